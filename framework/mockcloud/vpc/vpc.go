package vpc

import (
	"sync"
	"time"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// The kinds of resources, which are also the names of their tables.
const (
	KindNetwork       = "vpc.network"
	KindSubnet        = "vpc.subnet"
	KindGateway       = "vpc.gateway"
	KindRouteTable    = "vpc.routeTable"
	KindSecurityGroup = "vpc.securityGroup"
	KindAddress       = "vpc.address"

	kindFolder = "resource-manager.folder"
)

// zones of the region ru-central1 (yandex.cloud/docs: "Availability zones").
var zones = []string{"ru-central1-a", "ru-central1-b", "ru-central1-d"}

// VPC is the Virtual Private Cloud of a mock cloud.
type VPC struct {
	k *kernel.Kernel
	// mu makes a check over several tables and the change that it allows one step.
	mu    sync.Mutex
	users []func(state.Ref) bool

	networks *collection[*pb.Network]
	subnets  *collection[*pb.Subnet]
	gateways *collection[*pb.Gateway]
	tables   *collection[*pb.RouteTable]
	groups   *collection[*pb.SecurityGroup]
	addrs    *collection[*pb.Address]
}

// New makes the VPC of a kernel.
func New(k *kernel.Kernel) *VPC {
	v := &VPC{k: k}
	v.networks = newCollection[*pb.Network](v, KindNetwork, "network", anyCase)
	v.subnets = newCollection[*pb.Subnet](v, KindSubnet, "subnet", anyCase)
	v.gateways = newCollection[*pb.Gateway](v, KindGateway, "gateway", lowerCase)
	v.tables = newCollection[*pb.RouteTable](v, KindRouteTable, "route table", anyCase)
	v.groups = newCollection[*pb.SecurityGroup](v, KindSecurityGroup, "security group", anyCasePaths)
	v.addrs = newCollection[*pb.Address](v, KindAddress, "address", anyCase)
	return v
}

// Services of the VPC API.
func (v *VPC) Services() []kernel.Service {
	return []kernel.Service{
		{Desc: &pb.NetworkService_ServiceDesc, Impl: networkService{v: v}, Rules: networkRules()},
		{Desc: &pb.SubnetService_ServiceDesc, Impl: subnetService{v: v}, Rules: subnetRules()},
		{Desc: &pb.GatewayService_ServiceDesc, Impl: gatewayService{v: v}, Rules: gatewayRules()},
		{Desc: &pb.RouteTableService_ServiceDesc, Impl: routeTableService{v: v}, Rules: routeTableRules()},
		{Desc: &pb.SecurityGroupService_ServiceDesc, Impl: securityGroupService{v: v}, Rules: securityGroupRules()},
		{Desc: &pb.AddressService_ServiceDesc, Impl: addressService{v: v}, Rules: addressRules()},
	}
}

// UsedBy adds an answer to whether something outside the VPC uses a resource,
// which then cannot be deleted. It is called while the VPC is locked and must not
// change it.
func (v *VPC) UsedBy(uses func(state.Ref) bool) { v.users = append(v.users, uses) }

// Subnet returns a subnet that can be used: not one that is being made or deleted.
func (v *VPC) Subnet(id string) (*pb.Subnet, error) { return v.subnets.use(id) }

// Network returns a network that can be used.
func (v *VPC) Network(id string) (*pb.Network, error) { return v.networks.use(id) }

// SecurityGroup returns a security group that can be used.
func (v *VPC) SecurityGroup(id string) (*pb.SecurityGroup, error) { return v.groups.use(id) }

// SubnetsIn lists the subnets of a network in a zone.
func (v *VPC) SubnetsIn(networkID, zoneID string) []*pb.Subnet {
	return v.subnets.table.List(func(s *pb.Subnet) bool { return s.NetworkId == networkID && s.ZoneId == zoneID })
}

// now is the time as the resources of VPC show it: in whole seconds.
func (v *VPC) now() *timestamppb.Timestamp {
	return timestamppb.New(v.k.Clock.Now().Truncate(time.Second))
}
