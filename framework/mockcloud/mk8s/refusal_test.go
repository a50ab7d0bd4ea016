package mk8s_test

import (
	"context"
	"testing"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// TestRefusedClusters: each differs from the tutorial's request in one thing.
func TestRefusedClusters(t *testing.T) {
	c := start(t, true)
	roleless, private := c.Subject(), c.Subject("k8s.clusters.agent")
	c.addAccount(roleless)
	c.addAccount(private)
	zonal := func(r *pb.CreateClusterRequest) *pb.ZonalMasterSpec { return r.MasterSpec.GetZonalMasterSpec() }
	for name, tc := range map[string]struct {
		change func(*pb.CreateClusterRequest)
		set    func(*settings.Settings)
		code   codes.Code
		reason string
	}{
		"version before 1.30":       {change: func(r *pb.CreateClusterRequest) { r.MasterSpec.Version = "1.29" }, code: codes.InvalidArgument, reason: "k8s/wlif-needs-version"},
		"regular channel":           {change: func(r *pb.CreateClusterRequest) { r.ReleaseChannel = pb.ReleaseChannel_REGULAR }, code: codes.InvalidArgument, reason: "k8s/wlif-needs-rapid"},
		"no channel":                {change: func(r *pb.CreateClusterRequest) { r.ReleaseChannel = 0 }, code: codes.InvalidArgument, reason: "k8s/wlif-needs-rapid"},
		"preview":                   {set: func(s *settings.Settings) { s.PreviewDenied = true }, code: codes.PermissionDenied, reason: "k8s/wlif-preview"},
		"1.29 without restrictions": {change: func(r *pb.CreateClusterRequest) { r.MasterSpec.Version = "1.29" }, set: func(s *settings.Settings) { s.Restrictions = "none" }, code: codes.InvalidArgument, reason: "k8s/version-not-available"},
		"newest, not yet in regular": {change: func(r *pb.CreateClusterRequest) {
			r.ReleaseChannel, r.WorkloadIdentityFederation = pb.ReleaseChannel_REGULAR, nil
		}, code: codes.InvalidArgument, reason: "k8s/version-not-available"},
		"patch version":             {change: func(r *pb.CreateClusterRequest) { r.MasterSpec.Version = "1.36.3"; r.WorkloadIdentityFederation = nil }, code: codes.InvalidArgument, reason: "k8s/version-not-available"},
		"agent without its role":    {change: func(r *pb.CreateClusterRequest) { r.ServiceAccountId = roleless.ID }, code: codes.FailedPrecondition, reason: "k8s/service-account-no-role:k8s.clusters.agent"},
		"agent without vpc role":    {change: func(r *pb.CreateClusterRequest) { r.ServiceAccountId = private.ID }, code: codes.FailedPrecondition, reason: "k8s/service-account-no-role:vpc.publicAdmin"},
		"unknown service account":   {change: func(r *pb.CreateClusterRequest) { r.ServiceAccountId = "ajex" }, code: codes.NotFound, reason: "not-found:iam.serviceAccount"},
		"unknown node account":      {change: func(r *pb.CreateClusterRequest) { r.NodeServiceAccountId = "ajex" }, code: codes.NotFound, reason: "not-found:iam.serviceAccount"},
		"no network":                {change: func(r *pb.CreateClusterRequest) { r.NetworkId = "" }, code: codes.InvalidArgument, reason: "validation:network_id"},
		"unknown network":           {change: func(r *pb.CreateClusterRequest) { r.NetworkId = "enpx" }, code: codes.NotFound, reason: "api/not-found"},
		"subnet of another network": {change: func(r *pb.CreateClusterRequest) { r.NetworkId = c.otherNetwork; r.MasterSpec.SecurityGroupIds = nil }, code: codes.InvalidArgument, reason: "vpc/other-network"},
		"group of another network":  {change: func(r *pb.CreateClusterRequest) { r.NetworkId = c.otherNetwork }, code: codes.InvalidArgument, reason: "vpc/other-network"},
		"unknown group":             {change: func(r *pb.CreateClusterRequest) { r.MasterSpec.SecurityGroupIds[0] = "enpx" }, code: codes.NotFound, reason: "api/not-found"},
		"unknown subnet":            {change: func(r *pb.CreateClusterRequest) { zonal(r).InternalV4AddressSpec.SubnetId = "enpx" }, code: codes.NotFound, reason: "api/not-found"},
		"subnet of another zone":    {change: func(r *pb.CreateClusterRequest) { zonal(r).ZoneId = "ru-central1-b" }, code: codes.InvalidArgument, reason: "k8s/subnet-zone"},
		"zone without subnets": {change: func(r *pb.CreateClusterRequest) {
			zonal(r).ZoneId = "ru-central1-d"
			zonal(r).InternalV4AddressSpec = nil
		}, code: codes.InvalidArgument, reason: "k8s/subnet-missing"},
		"no location": {change: func(r *pb.CreateClusterRequest) { r.MasterSpec.MasterType = nil }, code: codes.InvalidArgument, reason: "validation:master_spec.locations"},
		"no master":   {change: func(r *pb.CreateClusterRequest) { r.MasterSpec = nil }, code: codes.InvalidArgument, reason: "validation:master_spec"},
		"bad name":    {change: func(r *pb.CreateClusterRequest) { r.Name = "Capital" }, code: codes.InvalidArgument, reason: "validation:name"},
		"quota":       {set: func(s *settings.Settings) { s.Quotas = map[string]int64{"managed-kubernetes.clusters.count": 0} }, code: codes.ResourceExhausted, reason: "answer:ResourceExhausted"},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.K.Settings.Get()
			defer c.K.Settings.Change(func(s *settings.Settings) { *s = before })
			req := c.request()
			if tc.change != nil {
				tc.change(req)
			}
			if tc.set != nil {
				c.K.Settings.Change(tc.set)
			}
			_, err := c.clusters.Create(c.admin, req)
			c.Refused(err, tc.code, tc.reason)
		})
	}
	if c.engine.running() != 0 {
		t.Error("a refused cluster runs")
	}
	c.create(nil)
	_, err := c.clusters.Create(c.admin, c.request())
	c.Refused(err, codes.AlreadyExists, "k8s/exists")
}

// TestPermissions: each documented role of the caller taken away has its own reason.
func TestPermissions(t *testing.T) {
	c := start(t, true)
	create := func(ctx context.Context) error {
		op, err := c.clusters.Create(ctx, c.request())
		if err == nil {
			c.wait(op, nil)
		}
		return err
	}
	for missing, tc := range map[string]struct {
		roles  []string
		reason string
	}{
		"k8s.editor":               {[]string{"iam.serviceAccounts.user", "vpc.publicAdmin"}, "permission:managed-kubernetes.clusters.create"},
		"iam.serviceAccounts.user": {[]string{"k8s.editor", "vpc.publicAdmin"}, "permission:iam.serviceAccounts.use"},
		"vpc.publicAdmin":          {[]string{"k8s.editor", "iam.serviceAccounts.user"}, "permission:vpc.publicAccess.use"},
	} {
		t.Run(missing, func(t *testing.T) { c.Refused(create(c.With(tc.roles...)), codes.PermissionDenied, tc.reason) })
	}
	if err := create(c.With("k8s.editor", "iam.serviceAccounts.user", "vpc.publicAdmin")); err != nil {
		t.Errorf("the documented roles were refused: %v", err)
	}
	id := c.onlyCluster()
	for reason, call := range map[string]func(context.Context) error{
		"permission:managed-kubernetes.clusters.delete": func(ctx context.Context) error {
			_, err := c.clusters.Delete(ctx, &pb.DeleteClusterRequest{ClusterId: id})
			return err
		},
		"permission:managed-kubernetes.clusters.update": func(ctx context.Context) error {
			_, err := c.clusters.Update(ctx, &pb.UpdateClusterRequest{ClusterId: id})
			return err
		},
		"permission:managed-kubernetes.nodeGroups.create": func(ctx context.Context) error {
			_, err := c.groups.Create(ctx, c.nodes(id))
			return err
		},
	} {
		t.Run(reason, func(t *testing.T) { c.Refused(call(c.With("k8s.viewer")), codes.PermissionDenied, reason) })
	}
}

func TestRefusedNodeGroups(t *testing.T) {
	c := start(t, true)
	row := c.create(nil)
	plain := c.create(func(r *pb.CreateClusterRequest) { r.Name, r.WorkloadIdentityFederation = "plain", nil })
	good := c.With("k8s.editor")
	for name, tc := range map[string]struct {
		change func(*pb.CreateNodeGroupRequest)
		code   codes.Code
		reason string
	}{
		"cluster without federation": {func(r *pb.CreateNodeGroupRequest) { r.ClusterId = plain.Id }, codes.FailedPrecondition, "k8s/node-group-without-wlif"},
		"unknown cluster":            {func(r *pb.CreateNodeGroupRequest) { r.ClusterId = "catx" }, codes.NotFound, "not-found:managed-kubernetes.cluster"},
		"another version":            {func(r *pb.CreateNodeGroupRequest) { r.Version = "1.35" }, codes.InvalidArgument, "k8s/version-not-available"},
		"taints":                     {func(r *pb.CreateNodeGroupRequest) { r.NodeTaints = []*pb.Taint{{Key: "a"}} }, codes.Unimplemented, "k8s/immutable"},
		"public address, no role": {func(r *pb.CreateNodeGroupRequest) {
			r.NodeTemplate.NetworkInterfaceSpecs[0].PrimaryV4AddressSpec.OneToOneNatSpec = &pb.OneToOneNatSpec{}
		}, codes.PermissionDenied, "permission:vpc.publicAccess.use"},
		"unknown subnet":  {func(r *pb.CreateNodeGroupRequest) { r.NodeTemplate.NetworkInterfaceSpecs[0].SubnetIds[0] = "enpx" }, codes.NotFound, "api/not-found"},
		"no scale policy": {func(r *pb.CreateNodeGroupRequest) { r.ScalePolicy = nil }, codes.InvalidArgument, "validation:scale_policy"},
	} {
		t.Run(name, func(t *testing.T) {
			req := c.nodes(row.Id)
			tc.change(req)
			_, err := c.groups.Create(good, req)
			c.Refused(err, tc.code, tc.reason)
		})
	}
	op, err := c.groups.Create(good, c.nodes(row.Id))
	done[*pb.NodeGroup](c, op, err)
	_, err = c.groups.Create(good, c.nodes(row.Id))
	c.Refused(err, codes.AlreadyExists, "k8s/exists")
}

// TestBusy: while an operation works on a cluster, others are refused.
func TestBusy(t *testing.T) {
	c := start(t, true)
	c.engine.hold = make(chan struct{})
	op, err := c.clusters.Create(c.admin, c.request())
	if err != nil {
		t.Fatal(err)
	}
	id := c.onlyCluster()
	if got := c.get(id).Status; got != pb.Cluster_PROVISIONING {
		t.Errorf("status is %s", got)
	}
	_, err = c.clusters.Delete(c.admin, &pb.DeleteClusterRequest{ClusterId: id})
	c.Refused(err, codes.FailedPrecondition, "k8s/busy")
	_, err = c.clusters.Update(c.admin, &pb.UpdateClusterRequest{ClusterId: id, Description: "x"})
	c.Refused(err, codes.FailedPrecondition, "k8s/busy")
	_, err = c.groups.Create(c.admin, c.nodes(id))
	c.Refused(err, codes.FailedPrecondition, "k8s/busy")
	close(c.engine.hold)
	c.wait(op, nil)
	op, err = c.clusters.Delete(c.admin, &pb.DeleteClusterRequest{ClusterId: id})
	done[*emptypb.Empty](c, op, err)
}

func TestImmutable(t *testing.T) {
	c := start(t, true)
	id := c.create(nil).Id
	for name, req := range map[string]*pb.UpdateClusterRequest{
		"by mask":      {UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"master_spec.version"}}},
		"without mask": {MasterSpec: &pb.MasterUpdateSpec{Version: &pb.UpdateVersionSpec{Specifier: &pb.UpdateVersionSpec_LatestRevision{LatestRevision: true}}}},
		"whole":        {MasterSpec: &pb.MasterUpdateSpec{Locations: []*pb.LocationSpec{{ZoneId: "z"}}}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"master_spec"}}},
	} {
		t.Run(name, func(t *testing.T) {
			req.ClusterId = id
			_, err := c.clusters.Update(c.admin, req)
			c.Refused(err, codes.Unimplemented, "k8s/immutable")
		})
	}
}
