package vpc

import (
	"context"
	"net/netip"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/validate"
)

type addressService struct {
	pb.UnimplementedAddressServiceServer
	v *VPC
}

// addressRules: what Create and GetByValue need hangs on more than one field, so
// they ask themselves.
func addressRules() map[string]kernel.Rule {
	return map[string]kernel.Rule{
		"Get":            kernel.Needs("vpc.addresses.get", KindAddress, "address_id"),
		"GetByValue":     kernel.AnyCaller(),
		"List":           kernel.Needs("vpc.addresses.list", kindFolder, "folder_id"),
		"ListBySubnet":   kernel.Needs("vpc.addresses.list", KindSubnet, "subnet_id"),
		"Create":         kernel.AnyCaller(),
		"Update":         kernel.Needs("vpc.addresses.update", KindAddress, "address_id"),
		"Delete":         kernel.Needs("vpc.addresses.delete", KindAddress, "address_id"),
		"ListOperations": kernel.Needs("vpc.addresses.get", KindAddress, "address_id"),
	}
}

// external is where public addresses come from: TEST-NET-3 (RFC 5737) is nobody's.
var external = netip.MustParsePrefix("203.0.113.0/24")

func (s addressService) Get(_ context.Context, req *pb.GetAddressRequest) (*pb.Address, error) {
	return s.v.addrs.get(req.AddressId)
}

func (s addressService) GetByValue(ctx context.Context, req *pb.GetAddressByValueRequest) (*pb.Address, error) {
	value := req.GetExternalIpv4Address() + req.GetInternalIpv4Address()
	for _, a := range s.v.addrs.table.List(nil) {
		same := a.GetExternalIpv4Address().GetAddress() == req.GetExternalIpv4Address() && req.GetInternalIpv4Address() == "" ||
			a.GetInternalIpv4Address().GetAddress() == req.GetInternalIpv4Address() && a.GetInternalIpv4Address().GetSubnetId() == req.GetSubnetId() && req.GetExternalIpv4Address() == ""
		if value != "" && same {
			return a, s.may(ctx, "vpc.addresses.get", s.v.addrs.ref(a.Id))
		}
	}
	return nil, s.v.k.NotFound(KindAddress, value)
}

// may is what a rule does: the resource is there and the caller has the permission.
func (s addressService) may(ctx context.Context, permission string, on state.Ref) error {
	if _, ok := s.v.k.Store.Find(on); !ok {
		return s.v.k.NotFound(on.Type, on.ID)
	}
	if !s.v.k.Allowed(ctx, permission, on) {
		return s.v.k.Denied(access.Need{Permission: permission, On: on})
	}
	return nil
}

func (s addressService) List(_ context.Context, req *pb.ListAddressesRequest) (*pb.ListAddressesResponse, error) {
	rows, next, err := s.v.addrs.list(req)
	return &pb.ListAddressesResponse{Addresses: rows, NextPageToken: next}, err
}

func (v *VPC) addressesIn(subnetID string) []*pb.Address {
	return v.addrs.table.List(func(a *pb.Address) bool { return a.GetInternalIpv4Address().GetSubnetId() == subnetID })
}

func (s addressService) ListBySubnet(_ context.Context, req *pb.ListAddressesBySubnetRequest) (*pb.ListAddressesBySubnetResponse, error) {
	rows, next, err := kernel.Page(s.v.addressesIn(req.SubnetId), req, (*pb.Address).GetId)
	return &pb.ListAddressesBySubnetResponse{Addresses: rows, NextPageToken: next}, err
}

func (s addressService) Create(ctx context.Context, req *pb.CreateAddressRequest) (*operation.Operation, error) {
	vs := required("folder_id", req.FolderId == "")
	if req.AddressSpec == nil {
		vs = append(vs, validate.Violation{Field: "address_spec", Text: "One of the options must be selected"})
	}
	if err := s.v.addrs.rules.check(req, vs...); err != nil {
		return nil, err
	}
	permission := "vpc.addresses.create"
	if req.GetInternalIpv4AddressSpec() != nil {
		permission = "vpc.addresses.createInternal"
	}
	if err := s.may(ctx, permission, state.Ref{Type: kindFolder, ID: req.FolderId}); err != nil {
		return nil, err
	}
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	row := &pb.Address{
		Id: kernel.NewID(kernel.PrefixNetwork), FolderId: req.FolderId, CreatedAt: s.v.now(),
		Name: req.Name, Description: req.Description, Labels: req.Labels,
		Reserved: true, IpVersion: pb.Address_IPV4, DeletionProtection: req.DeletionProtection,
	}
	if err := s.allocate(ctx, row, req); err != nil {
		return nil, err
	}
	return s.v.addrs.create(ctx, row, "vpc.staticAddresses.count", &pb.CreateAddressMetadata{AddressId: row.Id})
}

// allocate gives an address its value. The VPC is locked.
func (s addressService) allocate(ctx context.Context, row *pb.Address, req *pb.CreateAddressRequest) error {
	if spec := req.GetExternalIpv4AddressSpec(); spec != nil {
		if err := s.v.zone(spec.ZoneId); err != nil {
			return err
		}
		value, err := s.free(spec.Address, []netip.Prefix{external}, s.v.addrs.table.List(nil))
		row.Type = pb.Address_EXTERNAL
		row.Address = &pb.Address_ExternalIpv4Address{ExternalIpv4Address: &pb.ExternalIpv4Address{Address: value, ZoneId: spec.ZoneId, Requirements: spec.Requirements}}
		return err
	}
	spec := req.GetInternalIpv4AddressSpec()
	if err := s.may(ctx, "vpc.subnets.use", s.v.subnets.ref(spec.GetSubnetId())); err != nil {
		return err
	}
	subnet, err := s.v.subnets.use(spec.GetSubnetId())
	if err != nil {
		return err
	}
	blocks, _ := prefixes("v4_cidr_blocks", subnet.V4CidrBlocks)
	value, err := s.free(spec.Address, blocks, s.v.addressesIn(subnet.Id))
	row.Type = pb.Address_INTERNAL
	row.Address = &pb.Address_InternalIpv4Address{InternalIpv4Address: &pb.InternalIpv4Address{Address: value, Scope: &pb.InternalIpv4Address_SubnetId{SubnetId: subnet.Id}}}
	return err
}

// free is the wanted address, or the first free one, of some blocks. The first
// three of each are the network's own (gateway and DNS).
func (s addressService) free(want string, blocks []netip.Prefix, taken []*pb.Address) (string, error) {
	var used []string
	for _, a := range taken {
		used = append(used, a.GetExternalIpv4Address().GetAddress(), a.GetInternalIpv4Address().GetAddress())
	}
	for _, b := range blocks {
		for at := b.Addr().Next().Next().Next(); b.Contains(at.Next()); at = at.Next() {
			if value := at.String(); (want == "" || want == value) && !slices.Contains(used, value) {
				return value, nil
			}
		}
	}
	return "", s.v.k.Guess("vpc/address-taken", want)
}

func (s addressService) Update(ctx context.Context, req *pb.UpdateAddressRequest) (*operation.Operation, error) {
	// DNS records need Cloud DNS, which the mock does not have.
	rename := map[string]string{"dns_record_specs": ""}
	return s.v.addrs.update(ctx, req.AddressId, req, rename, &pb.UpdateAddressMetadata{AddressId: req.AddressId}, nil)
}

func (s addressService) Delete(ctx context.Context, req *pb.DeleteAddressRequest) (*operation.Operation, error) {
	refuse := func(row *pb.Address) error {
		switch {
		case row.DeletionProtection:
			return s.v.k.Guess("vpc/deletion-protected", row.Id)
		case row.Used:
			return s.v.addrs.inUse(row.Id)
		}
		return nil
	}
	return s.v.addrs.remove(ctx, req.AddressId, &pb.DeleteAddressMetadata{AddressId: req.AddressId}, refuse, nil)
}

func (s addressService) ListOperations(_ context.Context, req *pb.ListAddressOperationsRequest) (*pb.ListAddressOperationsResponse, error) {
	ops, next, err := s.v.addrs.operations(req.AddressId, req)
	return &pb.ListAddressOperationsResponse{Operations: ops, NextPageToken: next}, err
}
