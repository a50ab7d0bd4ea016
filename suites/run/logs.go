package run

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// CollectLogs has the logs of the target's clusters collected if anything failed so
// far, in any process. Logs that cannot be had must not hide the failure.
func (r *Run) CollectLogs(ctx context.Context) {
	if len(r.Info.CollectLogs) == 0 || !r.failed() {
		return
	}
	command := exec.CommandContext(ctx, r.Info.CollectLogs[0], r.Info.CollectLogs[1:]...) //nolint:gosec // G204: the command that the launcher names
	if said, err := command.CombinedOutput(); err != nil {
		text := fmt.Sprintf("collecting the logs of the clusters: %v: %s", err, strings.TrimSpace(string(said)))
		_ = r.Journal.Write(journal.Log{Level: "warning", Text: text})
	}
}

// failed says whether the journal has a failure. One that cannot be read counts.
func (r *Run) failed() bool {
	records, _, err := journal.Read(string(r.Folder))
	return err != nil || slices.ContainsFunc(records, func(record journal.Record) bool {
		switch e := record.Event.(type) {
		case journal.Problem:
			return true
		case journal.Verdict:
			return e.Verdict == conformance.Fail || e.Verdict == conformance.Error
		}
		return false
	})
}
