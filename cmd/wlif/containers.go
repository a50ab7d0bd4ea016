package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kind"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeimage"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// ownPrefix begins what a run calls things on this machine; its id follows.
const ownPrefix = "wlif-"

// containersOf is the prefix of the containers of a run's mock; empty if it makes none.
func containersOf(cfg *config.Config, runID string) string {
	if cfg.Cluster != config.ClusterKind {
		return ""
	}
	return ownPrefix + runID
}

// removeContainers removes what a mock that has ended left in Docker.
func removeContainers(ctx context.Context, prefix string) error {
	if prefix == "" {
		return nil
	}
	return kind.Remove(ctx, prefix)
}

// lostContainers are in Docker, and neither a ledger nor a living mock knows them.
type lostContainers struct{ kind.Remain }

// runID is that of the run, or p and the process id of a mock without a run.
func (l lostContainers) runID() string { return strings.TrimPrefix(l.Prefix, ownPrefix) }

func findLostContainers(ctx context.Context, ledgers []provision.LedgerInfo) ([]lostContainers, error) {
	remains, err := kind.Remains(ctx)
	if err != nil {
		return nil, err
	}
	var lost []lostContainers
	for _, r := range remains {
		l := lostContainers{r}
		known := slices.ContainsFunc(ledgers, func(i provision.LedgerInfo) bool { return i.Header.RunID == l.runID() })
		if !known && strings.HasPrefix(r.Prefix, ownPrefix) && !l.used() {
			lost = append(lost, l)
		}
	}
	return lost, nil
}

// used reports whether a living mock has them: one that was given the prefix, or
// whose process id it is made of. Names that no mock gives are somebody else's.
func (l lostContainers) used() bool {
	pid, byProcess := strings.CutPrefix(l.runID(), "p")
	byProcess = byProcess && pid != "" && strings.Trim(pid, "0123456789") == ""
	if byProcess {
		arguments, err := os.ReadFile("/proc/" + pid + "/cmdline") //nolint:gosec // G304: pid is made of digits
		if err == nil && containsWord(arguments, "mock") {
			return true
		}
	}
	return named(l.Prefix) || !byProcess && !provision.ValidRunID(l.runID())
}

// sweep removes them, unless they are younger than f.olderThan.
func (l lostContainers) sweep(ctx context.Context, f sweepFlags, out io.Writer) error {
	switch {
	case f.run == "" && time.Since(l.Since) < f.olderThan:
		_, _ = fmt.Fprintf(out, "run %s: left alone: it is not older than %s\n", l.runID(), f.olderThan)
		return nil
	case f.dryRun:
		_, _ = fmt.Fprintf(out, "run %s: would remove the containers and the network %s, which no mock uses\n", l.runID(), l.Prefix)
		return nil
	}
	if err := kind.Remove(ctx, l.Prefix); err != nil {
		return fmt.Errorf("removing the containers of run %s: %w", l.runID(), err)
	}
	_, _ = fmt.Fprintf(out, "run %s: removed the containers and the network %s, which no mock used\n", l.runID(), l.Prefix)
	return nil
}

// sweepBuilds removes what builders of images that were killed left in Docker.
func sweepBuilds(ctx context.Context, f sweepFlags, out io.Writer) (found bool, err error) {
	left, err := nodeimage.FindLeftovers(ctx)
	if err != nil {
		return false, err
	}
	done := "removed"
	if f.dryRun {
		done = "would remove"
	} else {
		err = left.Remove(ctx)
	}
	for _, name := range left.Containers {
		_, _ = fmt.Fprintf(out, "%s the container %s, whose builder has ended\n", done, name)
	}
	for _, id := range left.Images {
		_, _ = fmt.Fprintf(out, "%s the image %s, which another has replaced\n", done, id)
	}
	return len(left.Containers)+len(left.Images) > 0, err
}
