package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/mk8s"
)

// journalEngine notes what ran the clusters of the run's mock, and how long that
// alone took.
func (l *launch) journalEngine(ctx context.Context) {
	var work mk8s.Work
	if err := l.mock.admin(ctx, http.MethodGet, "/work", nil, &work); err != nil {
		l.problem("mock", fmt.Errorf("asking the mock for the work of its engine: %w", err))
		return
	}
	event := journal.Engine{Name: work.Engine, Host: work.Host}
	for _, s := range work.Steps {
		event.Steps = append(event.Steps, journal.EngineStep(s))
	}
	_ = l.journal.Write(event)
}

// collectLogs makes the mock write its clusters' logs into a folder.
func (m *mockProcess) collectLogs(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := m.admin(ctx, http.MethodPost, "/logs", map[string]string{"dir": dir}, nil); err != nil {
		return fmt.Errorf("collecting the logs of the mock's clusters: %w", err)
	}
	return nil
}

// logsCommand is what the suite calls when something failed, before it deletes the
// clusters.
func (m *mockProcess) logsCommand(dir string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return []string{self, "mock", "logs", "--announce", filepath.Join(m.dir, announceName), "--into", dir}, nil
}

func newMockLogsCommand() *cobra.Command {
	var announce, into string
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Collect the logs of a running mock's clusters into a folder",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := os.ReadFile(announce) //nolint:gosec // G304: the file that the user named
			if err != nil {
				return usageError(fmt.Errorf("--announce: %w", err))
			}
			m := &mockProcess{}
			if err := json.Unmarshal(raw, &m.announced); err != nil {
				return usageError(fmt.Errorf("--announce %s: %w", announce, err))
			}
			return m.collectLogs(cmd.Context(), into)
		},
	}
	cmd.Flags().StringVar(&announce, "announce", "", "file that the mock wrote when it was ready")
	cmd.Flags().StringVar(&into, "into", "cluster-logs", "folder to write to")
	return cmd
}
