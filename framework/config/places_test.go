package config

import (
	"slices"
	"testing"
)

func TestPlaces(t *testing.T) {
	for name, tc := range map[string]struct {
		config Config
		want   []Place
	}{
		"zonal":       {Config{Zone: "ru-central1-b", SubnetCIDR: "10.129.0.0/24"}, []Place{{"ru-central1-b", "10.129.0.0/24"}}},
		"other cloud": {Config{Zone: "kz1-a", SubnetCIDR: "10.129.0.0/24"}, []Place{{"kz1-a", "10.129.0.0/24"}}},
		"regional": {Config{Regional: true, Zone: "ru-central1-b", SubnetCIDR: "10.129.255.0/24"},
			[]Place{{"ru-central1-b", "10.129.255.0/24"}, {"ru-central1-a", "10.130.0.0/24"}, {"ru-central1-d", "10.130.1.0/24"}}},
		"small ranges": {Config{Regional: true, Zone: "ru-central1-a", SubnetCIDR: "10.0.0.224/28"},
			[]Place{{"ru-central1-a", "10.0.0.224/28"}, {"ru-central1-b", "10.0.0.240/28"}, {"ru-central1-d", "10.0.1.0/28"}}},
		"no room": {Config{Regional: true, Zone: "ru-central1-a", SubnetCIDR: "255.255.255.224/28"},
			[]Place{{"ru-central1-a", "255.255.255.224/28"}, {"ru-central1-b", "255.255.255.240/28"}}},
	} {
		if got := tc.config.Places(); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
