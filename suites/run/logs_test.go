package run

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/runfolder"
)

func TestLogsAreCollectedAfterAFailure(t *testing.T) {
	for name, tc := range map[string]struct {
		event journal.Event
		want  bool
	}{
		"all passed":  {journal.Verdict{Verdict: conformance.Pass}, false},
		"skipped":     {journal.Verdict{Verdict: conformance.Skipped}, false},
		"a breach":    {journal.Verdict{Verdict: conformance.Fail}, true},
		"an error":    {journal.Verdict{Verdict: conformance.Error}, true},
		"no target":   {journal.Problem{Where: "provisioning"}, true},
		"just a note": {journal.Log{Level: "warning"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writer, err := journal.Open(dir, "suite-1", &redact.Redactor{})
			if err != nil {
				t.Fatal(err)
			}
			r := &Run{Folder: runfolder.Folder(dir), Journal: writer}
			r.Info.CollectLogs = []string{"touch", filepath.Join(dir, "collected")}
			if err := writer.Write(tc.event); err != nil {
				t.Fatal(err)
			}
			r.CollectLogs(t.Context())
			if err := writer.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "collected")); (err == nil) != tc.want {
				t.Errorf("collected: %v, want %v", err == nil, tc.want)
			}
		})
	}
}
