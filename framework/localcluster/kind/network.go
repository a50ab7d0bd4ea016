package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
)

// users counts the clusters of this process that use its network.
var users struct {
	sync.Mutex
	count int
}

// place is a network's range and its gateway, which is an address of this machine
// that its containers reach.
type place struct{ subnet, gateway string }

// joinNetwork makes the network if need be. Who has joined must leave.
func joinNetwork(ctx context.Context, network string) (place, error) {
	users.Lock()
	defer users.Unlock()
	if _, err := docker(ctx, nil, "network", "inspect", network); err != nil {
		_, err := docker(ctx, nil, "network", "create", "--driver=bridge", "--label", networkLabel,
			"--opt", "com.docker.network.bridge.enable_ip_masquerade=true", network)
		if err != nil {
			return place{}, fmt.Errorf("making the network %s: %w", network, err)
		}
	}
	at, err := locate(ctx, network)
	if err != nil {
		if users.count == 0 {
			err = errors.Join(err, removeNetwork(ctx, network))
		}
		return place{}, err
	}
	users.count++
	return at, nil
}

// locate asks Docker for a network's IPv4 range.
func locate(ctx context.Context, network string) (place, error) {
	out, err := docker(ctx, nil, "network", "inspect", "--format", "{{json .IPAM.Config}}", network)
	if err != nil {
		return place{}, fmt.Errorf("asking for the gateway of the network %s: %w", network, err)
	}
	var ranges []struct{ Subnet, Gateway string }
	if err := json.Unmarshal(out, &ranges); err != nil {
		return place{}, fmt.Errorf("asking for the gateway of the network %s: %w", network, err)
	}
	for _, r := range ranges {
		if address, err := netip.ParseAddr(r.Gateway); err == nil && address.Is4() {
			return place{subnet: r.Subnet, gateway: r.Gateway}, nil
		}
	}
	return place{}, fmt.Errorf("the network %s has no IPv4 gateway: %s", network, out)
}

// networkLabel marks the networks that this engine makes.
const networkLabel = "wlif.network"

// leaveNetwork removes the network with its last user.
func leaveNetwork(ctx context.Context, network string) error {
	users.Lock()
	defer users.Unlock()
	if users.count--; users.count > 0 {
		return nil
	}
	return removeNetwork(ctx, network)
}

// removeNetwork removes a network; one that is not there is no error.
func removeNetwork(ctx context.Context, network string) error {
	_, err := docker(ctx, nil, "network", "rm", network)
	if err != nil && !missing(err, network) {
		return fmt.Errorf("removing the network %s: %w", network, err)
	}
	return nil
}

// missing knows both wordings of Docker's: "No such network: X" until version 24,
// "network X not found" since.
func missing(err error, network string) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "No such network: "+network) || strings.Contains(text, "network "+network+" not found")
}
