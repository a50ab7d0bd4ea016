package config

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
)

// Place is where a subnet is created.
type Place struct {
	Zone, CIDR string
}

// zonesOf are the zones of the regions that have regional clusters
// (yandex.cloud/docs: "Availability zones").
var zonesOf = map[string][]string{"ru-central1": {"ru-central1-a", "ru-central1-b", "ru-central1-d"}}

// Region is the one that the zone is in: ru-central1 of ru-central1-a.
func (c *Config) Region() string {
	if at := strings.LastIndexByte(c.Zone, '-'); at > 0 {
		return c.Zone[:at]
	}
	return c.Zone
}

// Places are those of the created subnets: the zone of the nodes first, and for a
// regional cluster the other zones of its region, each with the address range that
// follows the former one's.
func (c *Config) Places() []Place {
	places := []Place{{c.Zone, c.SubnetCIDR}}
	if !c.Regional {
		return places
	}
	cidr := c.SubnetCIDR
	for _, zone := range zonesOf[c.Region()] {
		if zone == c.Zone {
			continue
		}
		var ok bool
		if cidr, ok = nextRange(cidr); !ok {
			break // validation refuses it
		}
		places = append(places, Place{zone, cidr})
	}
	return places
}

// nextRange is the range of the same size that follows one.
func nextRange(cidr string) (string, bool) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil || !p.Addr().Is4() {
		return "", false
	}
	raw := p.Addr().As4()
	first, size := binary.BigEndian.Uint32(raw[:]), uint32(1)<<(32-p.Bits())
	if first+size < first {
		return "", false
	}
	binary.BigEndian.PutUint32(raw[:], first+size)
	return netip.PrefixFrom(netip.AddrFrom4(raw), p.Bits()).String(), true
}

// regional looks at what a regional cluster needs.
func (k *checker) regional() {
	if !k.Regional {
		return
	}
	zones := zonesOf[k.Region()]
	switch {
	case k.Cluster == ClusterExisting:
		k.refuse("regional", "contradicts cluster=existing: it is about the cluster that the run creates")
	case k.SubnetID != "":
		k.refuse("subnet_id", "contradicts regional: such a cluster has a subnet in each zone; give network_id, and the run creates them in it")
	case !slices.Contains(zones, k.Zone):
		k.refuse("zone", "not a zone of a region with regional clusters", zonesOf["ru-central1"]...)
	case len(k.Places()) != len(zones):
		k.refuse("subnet_cidr", "leaves no room for the ranges of the other zones' subnets, which follow it")
	}
}
