package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/embedded"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kind"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// mockFlags are the words of `wlif mock`.
type mockFlags struct {
	listen, bridge, settings, state, announce, engine, prefix, prepare, dir, audit, verify string
	bugs                                                                                   []string
}

// closeBudget bounds how long a mock takes to end its clusters.
const closeBudget = time.Minute

func newMockCommand() *cobra.Command {
	var f mockFlags
	cmd := &cobra.Command{
		Use:   "mock",
		Short: "Run the mock Yandex Cloud alone, until it is interrupted",
		Long: `Run the mock Yandex Cloud alone, until it is interrupted.

It answers gRPC, REST, the OAuth token endpoint and the S3 API on this machine,
and its Managed Kubernetes starts real clusters. Where it listens, its CA, and a
user's token are printed when it is ready (and written to --announce).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runMock(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "", "address of the API, like 127.0.0.1:8443 (default: a free port of 127.0.0.1)")
	flags.StringVar(&f.bridge, "bridge", "", "network interface whose addresses --listen may name beside loopback ones, like docker0")
	flags.StringVar(&f.settings, "settings", "", "YAML file with latencies, quotas, faults and so on")
	flags.StringVar(&f.state, "state", "", "file that keeps the state across a restart (default: kept in memory)")
	flags.StringVar(&f.announce, "announce", "", "file to write when ready: where it listens and how to get in (mode 0600)")
	flags.StringVar(&f.engine, "engine", "embedded", "what runs its clusters: embedded, kind (needs Docker), or none (clusters on paper only)")
	flags.StringVar(&f.prefix, "cluster-prefix", "", "with --engine kind: begins the names of containers and is their network's (default: wlif-p and the process id)")
	flags.StringVar(&f.prepare, "prepare", "", "Kubernetes version to get ready before answering, like 1.36")
	flags.StringVar(&f.dir, "dir", "", "folder for certificates and clusters (default: a temporary one, or STATE.d with --state)")
	flags.StringVar(&f.audit, "audit", "", "file for a JSON line about each call")
	flags.StringArrayVar(&f.bugs, "bug", nil, "name of a bug that acts in every folder, may be repeated; `wlif mock bugs` lists them")
	flags.StringVar(&f.verify, "verify", "", "start nothing: say where a mock with these settings differs from this recording (wlif run --record)")
	cmd.AddCommand(newBugsCommand(), newMockLogsCommand(), &cobra.Command{
		Use:   "fidelity",
		Short: "Print how well each behaviour of the mock is known to be the real cloud's, as Markdown",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), settings.FidelityPage(settings.Default()))
			return err
		},
	}, &cobra.Command{
		Use:   "drivers AUDIT-LOG",
		Short: "Print which methods the Go SDK called in a run, as drivers.yaml has them",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return printDrivers(args[0], cmd.OutOrStdout())
		},
	}, &cobra.Command{
		Use:   "methods",
		Short: "Print which methods of the cloud's API the mock implements, as Markdown",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printMethods(cmd.Context(), cmd.OutOrStdout())
		},
	})
	return cmd
}

func runMock(ctx context.Context, f mockFlags, out, progress io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	set, err := f.readSettings()
	if err != nil {
		return usageError(err)
	}
	if f.verify != "" {
		return verifyRecording(out, f.verify, set)
	}
	if err := f.addBugs(&set); err != nil {
		return err
	}
	engine, err := f.newEngine()
	if err != nil {
		return usageError(err)
	}
	if f.prepare != "" && engine != nil {
		say := func(line string) { _, _ = fmt.Fprintln(progress, line) } // progress only
		if err := engine.Prepare(ctx, f.prepare, say); err != nil {
			var unknown *localcluster.UnknownVersionError
			if errors.As(err, &unknown) {
				return usageError(err)
			}
			return fmt.Errorf("prepare Kubernetes %s: %w", f.prepare, err)
		}
	}
	dir, cleanup, err := f.folder()
	if err != nil {
		return fmt.Errorf("make the mock's folder: %w", err)
	}
	defer cleanup()
	trail, err := f.openAudit()
	if err != nil {
		return fmt.Errorf("open the audit log: %w", err)
	}
	defer func() { err = errors.Join(err, trail.Close()) }()

	log := slog.New(slog.NewTextHandler(progress, &slog.HandlerOptions{Level: slog.LevelWarn}))
	cloud, err := mockcloud.Start(ctx, mockcloud.Options{Listen: f.listen, Bridge: f.bridge, Dir: dir, StateFile: f.state, Settings: &set, Engine: engine, AuditLog: trail, Log: log})
	if place := (*mockcloud.PlaceError)(nil); errors.As(err, &place) {
		return usageError(err)
	}
	if err != nil {
		return fmt.Errorf("start the mock cloud: %w", err)
	}
	defer func() {
		// The context has ended by now; ending the clusters has time of its own.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeBudget)
		defer cancel()
		err = errors.Join(err, cloud.Close(ctx))
	}()
	a := cloud.Announcement()
	if f.announce != "" {
		if err := a.Write(f.announce); err != nil {
			return fmt.Errorf("write the announcement: %w", err)
		}
	} else if _, err := fmt.Fprintf(out, readyText, a.Endpoint, a.CABundle, a.TokenFile, a.Endpoint, a.CloudID, a.FolderID, a.TokenEndpoint, a.StorageEndpoint, a.Admin, a.AdminTokenFile); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-cloud.Done():
	}
	return nil
}

const readyText = `The mock Yandex Cloud answers at %s. To use it:

  export SSL_CERT_FILE=%s
  export YC_TOKEN="$(cat %s)"
  export YC_ENDPOINT=%s YC_CLOUD_ID=%s YC_FOLDER_ID=%s

Token endpoint  %s
Object storage  %s
Admin port      %s (needs -H "Authorization: Bearer $(cat %s)"; GET /inventory, /audit, /settings)
Press Ctrl-C to end it.
`

func (f mockFlags) readSettings() (settings.Settings, error) {
	set := settings.Default()
	if f.settings == "" {
		return set, nil
	}
	raw, err := os.ReadFile(f.settings)
	if err != nil {
		return set, fmt.Errorf("--settings: %w", err)
	}
	set, err = settings.Parse(raw, set)
	if err != nil {
		return set, fmt.Errorf("--settings %s: %w", f.settings, err)
	}
	return set, nil
}

// newEngine makes the engine that a user named; "none" is no engine.
func (f mockFlags) newEngine() (localcluster.Engine, error) {
	var engine localcluster.Engine
	switch f.engine {
	case embedded.Name:
		engine = embedded.Engine{}
	case kind.Name:
		engine = kind.Engine{Prefix: f.prefix}
	case "none":
		return nil, nil
	default:
		return nil, fmt.Errorf("--engine is %q; known are embedded, kind and none", f.engine)
	}
	if f.state != "" && !engine.Resumes() {
		return nil, fmt.Errorf("--state contradicts --engine %s: its clusters end with the mock", f.engine)
	}
	return engine, nil
}

// folder is where the mock keeps its files, and what removes it afterwards.
func (f mockFlags) folder() (dir string, cleanup func(), err error) {
	keep := f.dir
	if keep == "" && f.state != "" {
		keep = f.state + ".d"
	}
	if keep != "" {
		if keep, err = filepath.Abs(keep); err != nil {
			return "", nil, err
		}
		return keep, func() {}, os.MkdirAll(keep, 0o700)
	}
	dir, err = os.MkdirTemp("", "wlif-mock-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

func (f mockFlags) openAudit() (*os.File, error) {
	if f.audit == "" {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	return os.OpenFile(f.audit, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// printMethods starts a mock, which alone knows its services, and lists them.
func printMethods(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "wlif-mock-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cloud, err := mockcloud.Start(ctx, mockcloud.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { _ = cloud.Close(context.WithoutCancel(ctx)) }()
	drivers, err := mockcloud.KnownDrivers()
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, strings.TrimLeft(mockcloud.MethodTable(cloud.Services(), drivers), "\n"))
	return err
}

// printDrivers lists the methods that a run's Go SDK called.
func printDrivers(path string, out io.Writer) error {
	log, err := os.Open(path) //nolint:gosec // G304: it is the user's file that is asked for
	if err != nil {
		return usageError(fmt.Errorf("reading the audit log: %w", err))
	}
	defer func() { _ = log.Close() }()
	page, err := mockcloud.DriversPage(log)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, page)
	return err
}
