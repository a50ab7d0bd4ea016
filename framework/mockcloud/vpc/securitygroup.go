package vpc

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/validate"
)

type securityGroupService struct {
	pb.UnimplementedSecurityGroupServiceServer
	v *VPC
}

// securityGroupRules ask for nothing on the network: the documented role
// vpc.securityGroups.admin is enough to make a group in it.
func securityGroupRules() map[string]kernel.Rule {
	return map[string]kernel.Rule{
		"Get":            kernel.Needs("vpc.securityGroups.get", KindSecurityGroup, "security_group_id"),
		"List":           kernel.Needs("vpc.securityGroups.list", kindFolder, "folder_id"),
		"Create":         kernel.Needs("vpc.securityGroups.create", kindFolder, "folder_id"),
		"Update":         kernel.Needs("vpc.securityGroups.update", KindSecurityGroup, "security_group_id"),
		"UpdateRules":    kernel.Needs("vpc.securityGroups.update", KindSecurityGroup, "security_group_id"),
		"UpdateRule":     kernel.Needs("vpc.securityGroups.update", KindSecurityGroup, "security_group_id"),
		"Delete":         kernel.Needs("vpc.securityGroups.delete", KindSecurityGroup, "security_group_id"),
		"ListOperations": kernel.Needs("vpc.securityGroups.get", KindSecurityGroup, "security_group_id"),
	}
}

// defaultGroup is the group that every network has. That it lets everything pass
// is a guess; that it lets everything out is documented ("Default security group").
func (v *VPC) defaultGroup(n *pb.Network) *pb.SecurityGroup {
	all := func(d pb.SecurityGroupRule_Direction) *pb.SecurityGroupRule {
		return &pb.SecurityGroupRule{Id: kernel.NewID(kernel.PrefixNetwork), Direction: d, ProtocolName: "ANY",
			Target: &pb.SecurityGroupRule_CidrBlocks{CidrBlocks: &pb.CidrBlocks{V4CidrBlocks: []string{"0.0.0.0/0"}}}}
	}
	return &pb.SecurityGroup{
		Id: kernel.NewID(kernel.PrefixNetwork), FolderId: n.FolderId, CreatedAt: n.CreatedAt, Name: "default-sg-" + n.Id,
		Description: "Default security group for network", NetworkId: n.Id, Status: pb.SecurityGroup_ACTIVE, DefaultForNetwork: true,
		Rules: []*pb.SecurityGroupRule{all(pb.SecurityGroupRule_EGRESS), all(pb.SecurityGroupRule_INGRESS)},
	}
}

func (s securityGroupService) Get(_ context.Context, req *pb.GetSecurityGroupRequest) (*pb.SecurityGroup, error) {
	return s.v.groups.get(req.SecurityGroupId)
}

func (s securityGroupService) List(_ context.Context, req *pb.ListSecurityGroupsRequest) (*pb.ListSecurityGroupsResponse, error) {
	rows, next, err := s.v.groups.list(req)
	return &pb.ListSecurityGroupsResponse{SecurityGroups: rows, NextPageToken: next}, err
}

func (s securityGroupService) Create(ctx context.Context, req *pb.CreateSecurityGroupRequest) (*operation.Operation, error) {
	if err := s.v.groups.rules.check(req, required("network_id", req.NetworkId == "")...); err != nil {
		return nil, err
	}
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	if _, err := s.v.networks.use(req.NetworkId); err != nil {
		return nil, err
	}
	rules, err := s.rules("rule_specs", req.RuleSpecs)
	if err != nil {
		return nil, err
	}
	row := &pb.SecurityGroup{
		Id: kernel.NewID(kernel.PrefixNetwork), FolderId: req.FolderId, CreatedAt: s.v.now(),
		Name: req.Name, Description: req.Description, Labels: req.Labels,
		NetworkId: req.NetworkId, Status: pb.SecurityGroup_ACTIVE, Rules: rules,
	}
	return s.v.groups.create(ctx, row, "vpc.securityGroups.count", &pb.CreateSecurityGroupMetadata{SecurityGroupId: row.Id})
}

// protocols that a rule can name in both ways.
var protocols = map[string]int64{"ICMP": 1, "TCP": 6, "UDP": 17, "IPV6_ICMP": 58}

// rules makes rules of specifications. The VPC is locked.
func (s securityGroupService) rules(field string, specs []*pb.SecurityGroupRuleSpec) ([]*pb.SecurityGroupRule, error) {
	var out []*pb.SecurityGroupRule
	var vs []validate.Violation
	for i, spec := range specs {
		at := fmt.Sprintf("%s[%d].", field, i)
		r := &pb.SecurityGroupRule{Id: kernel.NewID(kernel.PrefixNetwork), Description: spec.Description, Labels: spec.Labels,
			Direction: spec.Direction, Ports: spec.Ports, ProtocolName: spec.GetProtocolName(), ProtocolNumber: spec.GetProtocolNumber()}
		vs = append(vs, required(at+"direction", spec.Direction == 0)...)
		for name, number := range protocols {
			if r.ProtocolNumber == number {
				r.ProtocolName = name
			} else if strings.EqualFold(r.ProtocolName, name) {
				r.ProtocolNumber = number
			}
		}
		if p := spec.Ports; p != nil && (p.FromPort < 0 || p.ToPort > 65535 || p.FromPort > p.ToPort) {
			vs = append(vs, validate.Violation{Field: at + "ports", Text: "Value must be in 0-65535"})
		}
		switch target := spec.Target.(type) {
		case *pb.SecurityGroupRuleSpec_CidrBlocks:
			for _, b := range slices.Concat(target.CidrBlocks.V4CidrBlocks, target.CidrBlocks.V6CidrBlocks) {
				if p, err := netip.ParsePrefix(b); err != nil || p.Masked() != p {
					vs = append(vs, validate.Violation{Field: at + "cidr_blocks", Text: fmt.Sprintf("%q is no CIDR block", b)})
				}
			}
			r.Target = &pb.SecurityGroupRule_CidrBlocks{CidrBlocks: target.CidrBlocks}
		case *pb.SecurityGroupRuleSpec_SecurityGroupId:
			if _, err := s.v.groups.use(target.SecurityGroupId); err != nil {
				return nil, err
			}
			r.Target = &pb.SecurityGroupRule_SecurityGroupId{SecurityGroupId: target.SecurityGroupId}
		case *pb.SecurityGroupRuleSpec_PredefinedTarget:
			r.Target = &pb.SecurityGroupRule_PredefinedTarget{PredefinedTarget: target.PredefinedTarget}
		default:
			vs = append(vs, validate.Violation{Field: at + "target", Text: "One of the options must be selected"})
		}
		out = append(out, r)
	}
	return out, kernel.Invalid(vs...)
}

// Update replaces the rules when the mask (or, without one, the request) names them.
func (s securityGroupService) Update(ctx context.Context, req *pb.UpdateSecurityGroupRequest) (*operation.Operation, error) {
	meta := &pb.UpdateSecurityGroupMetadata{SecurityGroupId: req.SecurityGroupId}
	replace := slices.Contains(req.UpdateMask.GetPaths(), "rule_specs") || len(req.UpdateMask.GetPaths()) == 0 && len(req.RuleSpecs) > 0
	return s.v.groups.update(ctx, req.SecurityGroupId, req, map[string]string{"rule_specs": ""}, meta, func(row *pb.SecurityGroup) error {
		if !replace {
			return nil
		}
		rules, err := s.rules("rule_specs", req.RuleSpecs)
		row.Rules = rules
		for _, r := range rules {
			meta.AddedRuleIds = append(meta.AddedRuleIds, r.Id)
		}
		return err
	})
}

func (s securityGroupService) UpdateRules(ctx context.Context, req *pb.UpdateSecurityGroupRulesRequest) (*operation.Operation, error) {
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	row, err := s.v.groups.idle(req.SecurityGroupId)
	if err != nil {
		return nil, err
	}
	for _, id := range req.DeletionRuleIds {
		if ruleAt(row, id) < 0 {
			return nil, s.v.k.NotFound("vpc.securityGroupRule", id)
		}
	}
	added, err := s.rules("addition_rule_specs", req.AdditionRuleSpecs)
	if err != nil {
		return nil, err
	}
	row.Rules = slices.DeleteFunc(row.Rules, func(r *pb.SecurityGroupRule) bool { return slices.Contains(req.DeletionRuleIds, r.Id) })
	row.Rules = append(row.Rules, added...)
	meta := &pb.UpdateSecurityGroupMetadata{SecurityGroupId: row.Id}
	for _, r := range added {
		meta.AddedRuleIds = append(meta.AddedRuleIds, r.Id)
	}
	return s.v.groups.change(ctx, row, meta)
}

func ruleAt(g *pb.SecurityGroup, id string) int {
	return slices.IndexFunc(g.Rules, func(r *pb.SecurityGroupRule) bool { return r.Id == id })
}

// UpdateRule changes a rule's description and labels; its operation responds the rule.
func (s securityGroupService) UpdateRule(ctx context.Context, req *pb.UpdateSecurityGroupRuleRequest) (*operation.Operation, error) {
	if err := s.v.groups.rules.check(req, required("rule_id", req.RuleId == "")...); err != nil {
		return nil, err
	}
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	row, err := s.v.groups.idle(req.SecurityGroupId)
	if err != nil {
		return nil, err
	}
	i := ruleAt(row, req.RuleId)
	if i < 0 {
		return nil, s.v.k.NotFound("vpc.securityGroupRule", req.RuleId)
	}
	if err := kernel.ApplyMask(row.Rules[i], req, req.UpdateMask, nil); err != nil {
		return nil, err
	}
	if err := s.v.groups.table.Insert(row, nil); err != nil {
		return nil, err
	}
	return s.v.k.Begin(ctx, kernel.Op{
		Description: "Update security group rule", Prefix: kernel.PrefixNetwork, On: s.v.groups.ref(row.Id),
		Metadata: &pb.UpdateSecurityGroupRuleMetadata{SecurityGroupId: row.Id, RuleId: req.RuleId},
		Work:     func(context.Context) (proto.Message, error) { return row.Rules[i], nil },
	})
}

func (s securityGroupService) Delete(ctx context.Context, req *pb.DeleteSecurityGroupRequest) (*operation.Operation, error) {
	refuse := func(row *pb.SecurityGroup) error {
		if row.DefaultForNetwork {
			return s.v.k.Guess("vpc/default-security-group", row.Id)
		}
		names := func(r *pb.SecurityGroupRule) bool { return r.GetSecurityGroupId() == row.Id }
		if len(s.v.groups.table.List(func(g *pb.SecurityGroup) bool { return g.Id != row.Id && slices.ContainsFunc(g.Rules, names) })) > 0 {
			return s.v.groups.inUse(row.Id)
		}
		return nil
	}
	return s.v.groups.remove(ctx, req.SecurityGroupId, &pb.DeleteSecurityGroupMetadata{SecurityGroupId: req.SecurityGroupId}, refuse, nil)
}

func (s securityGroupService) ListOperations(_ context.Context, req *pb.ListSecurityGroupOperationsRequest) (*pb.ListSecurityGroupOperationsResponse, error) {
	ops, next, err := s.v.groups.operations(req.SecurityGroupId, req)
	return &pb.ListSecurityGroupOperationsResponse{Operations: ops, NextPageToken: next}, err
}
