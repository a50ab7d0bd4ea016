package kubebin

import (
	"fmt"
	"slices"
	"strings"
)

// known has a patch of each supported minor, newest first: one that can be built
// where nothing but a module proxy is reached, which not every proxy offers with
// all its staging modules for every patch.
var known = []string{"1.36.3", "1.35.4", "1.34.4", "1.33.4", "1.32.6", "1.31.4", "1.30.14"}

// Versions lists the versions that Ensure can get, newest first, one for each minor.
func Versions() []string { return slices.Clone(known) }

// Resolve turns a minor ("1.36") or a full version ("1.36.3", "v1.36.3") into the
// full version without the v. ok is false when it is not one of Versions.
func Resolve(version string) (full string, ok bool) {
	version = strings.TrimPrefix(version, "v")
	for _, v := range known {
		if v == version || minorOf(v) == version {
			return v, true
		}
	}
	return "", false
}

// minorOf cuts the patch off: "1.36.3" is "1.36".
func minorOf(full string) string { return full[:strings.LastIndexByte(full, '.')] }

// stagingVersion is the version of the k8s.io/X modules that belong to a release:
// v0.36.3 for 1.36.3.
func stagingVersion(full string) string { return "v0" + strings.TrimPrefix(full, "1") }

// numbers splits "1.36.3".
func numbers(full string) (major, minor, patch int) {
	if _, err := fmt.Sscanf(full, "%d.%d.%d", &major, &minor, &patch); err != nil {
		panic("kubebin: the table of versions has " + full)
	}
	return major, minor, patch
}
