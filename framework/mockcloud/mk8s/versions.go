package mk8s

import (
	"context"
	"slices"
	"strconv"
	"strings"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
)

type versionService struct {
	pb.UnimplementedVersionServiceServer
	s *Service
}

// channels says how many of the newest minors a release channel does not have
// yet. The documentation says that the others are behind RAPID, not by how many.
var channels = []struct {
	channel pb.ReleaseChannel
	behind  int
}{{pb.ReleaseChannel_RAPID, 0}, {pb.ReleaseChannel_REGULAR, 1}, {pb.ReleaseChannel_STABLE, 2}}

// oldest minor that any channel offers.
const oldest = 30

func (v versionService) List(context.Context, *pb.ListVersionsRequest) (*pb.ListVersionsResponse, error) {
	resp := &pb.ListVersionsResponse{}
	for _, c := range channels {
		offered := slices.Clone(v.s.offered(c.channel))
		slices.Reverse(offered)
		resp.AvailableVersions = append(resp.AvailableVersions, &pb.AvailableVersions{ReleaseChannel: c.channel, Versions: offered})
	}
	return resp, nil
}

// offered are the minors ("1.36") of a channel, newest first.
func (s *Service) offered(channel pb.ReleaseChannel) []string {
	var all []string
	for _, full := range s.plant.engine.Versions() {
		if short := full[:strings.LastIndexByte(full, '.')]; minor(short) >= oldest {
			all = append(all, short)
		}
	}
	for _, c := range channels {
		if c.channel == channel && c.behind < len(all) {
			return all[c.behind:]
		}
	}
	return nil
}

// minor is 36 for "1.36", and -1 for what is no version.
func minor(version string) int {
	digits, ok := strings.CutPrefix(version, "1.")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return -1
	}
	return n
}

// mayFederate says whether a cluster of a version and channel may have workload
// identity federation. The tutorial of 2025-10-29 warns: "only works for Managed
// Service for Kubernetes clusters 1.30 or higher in the rapid release channel".
func (s *Service) mayFederate(version string, channel pb.ReleaseChannel) error {
	set := s.k.Settings.Get()
	if set.PreviewDenied {
		return s.k.Guess("k8s/wlif-preview")
	}
	if set.Restrictions != "tutorial-2025-10" {
		return nil
	}
	if minor(version) < 30 {
		return s.k.Guess("k8s/wlif-needs-version")
	}
	if channel != pb.ReleaseChannel_RAPID {
		return s.k.Guess("k8s/wlif-needs-rapid")
	}
	return nil
}
