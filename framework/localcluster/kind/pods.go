package kind

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
)

// The chains in a node's packet filter.
const (
	chainReach  = "NODE-REACH"
	chainEgress = "NODE-EGRESS"
	chainMasq   = "NODE-MASQUERADE"
)

// reachRange has the addresses under which pods reach those of this machine. It is
// for tests of networks (RFC 2544) and routed nowhere.
const reachRange = "198.18.0.0/15"

func reachAddress(i int) string { return fmt.Sprintf("198.18.%d.%d", i/250, 1+i%250) }

const apiServerPort = "6443"

// connectPods gives a node's pods addresses and routes to those of the other nodes,
// as kind's own network does, and no way out.
func (c *Cluster) connectPods(ctx context.Context, m *member) error {
	network, err := json.Marshal(map[string]any{
		"cniVersion": "0.3.1", "name": "kind",
		"plugins": []any{
			map[string]any{"type": "ptp", "ipMasq": false, "ipam": map[string]any{
				"type": "host-local", "dataDir": "/run/cni-ipam-state",
				"routes": []any{map[string]string{"dst": "0.0.0.0/0"}},
				"ranges": []any{[]any{map[string]string{"subnet": m.subnet}}},
			}},
			map[string]any{"type": "portmap", "capabilities": map[string]bool{"portMappings": true}},
		},
	})
	if err != nil {
		return err
	}
	var script strings.Builder
	script.WriteString(c.routes(m))
	script.WriteString("iptables-restore --noflush --wait <<'RULES'\n" + c.rules(m, m == &c.control) + "RULES\n")
	for _, jump := range [][4]string{
		{"nat", "PREROUTING", m.subnet, chainReach}, {"nat", "POSTROUTING", m.subnet, chainMasq}, {"filter", "FORWARD", m.subnet, chainEgress},
	} {
		fmt.Fprintf(&script, "iptables --wait --table %s --insert %s --source %s --jump %s\n", jump[0], jump[1], jump[2], jump[3])
	}
	// Last: it makes the node Ready.
	script.WriteString("mkdir -p /etc/cni/net.d\nrm -f /etc/cni/net.d/*\ncat >/etc/cni/net.d/10-kind.conflist\n")
	_, err = inNode(ctx, m.name, bytes.NewReader(network), script.String())
	return err
}

// routes is the script that makes a node's pods reach those of the others.
func (c *Cluster) routes(m *member) string {
	var script strings.Builder
	for _, other := range c.members() {
		if other != m {
			fmt.Fprintf(&script, "ip route replace %s via %s\n", other.subnet, other.address)
		}
	}
	return script.String()
}

// rules are a node's chains, as iptables-restore(8) reads them; each is replaced as
// a whole. out lets the node's pods out of the cluster.
func (c *Cluster) rules(m *member, out bool) string {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	line("*nat\n:%s - [0:0]\n:%s - [0:0]", chainReach, chainMasq)
	var gates []string
	for i, target := range c.reached {
		address, err := c.gate.to(target)
		if err != nil || !out || m == &c.control {
			continue
		}
		line("-A %s -d %s -p tcp --dport 443 -j DNAT --to-destination %s", chainReach, reachAddress(i), address)
		gates = append(gates, address)
	}
	line("-A %s ! -d %s -j MASQUERADE\nCOMMIT", chainMasq, podSubnet)
	line("*filter\n:%s - [0:0]", chainEgress)
	line("-A %s -d %s -j RETURN", chainEgress, podSubnet)
	line("-A %s -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN", chainEgress)
	line("-A %s -d %s -p tcp --dport %s -j RETURN", chainEgress, c.control.address, apiServerPort)
	for _, address := range gates {
		host, port, _ := net.SplitHostPort(address)
		line("-A %s -d %s -p tcp --dport %s -j RETURN", chainEgress, host, port)
	}
	if !out {
		line("-A %s -j REJECT --reject-with icmp-admin-prohibited\nCOMMIT", chainEgress)
		return text.String()
	}
	// Not this machine's own metadata service, nor its other ports, nor containers.
	for _, closed := range []string{"169.254.0.0/16", reachRange, c.subnet} {
		line("-A %s -d %s -j REJECT --reject-with icmp-admin-prohibited", chainEgress, closed)
	}
	line("COMMIT")
	return text.String()
}
