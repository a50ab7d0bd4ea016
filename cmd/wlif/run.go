package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/pause"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/runfolder"
)

func newRunCommand() *cobra.Command {
	var (
		output, recorded    string
		pauses, journalOnly bool
	)
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Create the target, run the checks, delete everything, report",
		Long: `Create the target, run the checks, delete everything, report.

Without flags the cloud is the mock on this machine and the cluster a real
Kubernetes that it starts: no account is needed. With --cloud yandex it is the
real cloud: give --folder-id and YC_TOKEN, YC_IAM_TOKEN or
YC_SERVICE_ACCOUNT_KEY_FILE.

Ctrl-C once: the checks end and everything is deleted. Twice: the deletion is cut
short. Three times: the run ends at once; wlif sweep deletes what is left.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := wishes{out: cmd.OutOrStdout(), recording: recorded, journalOnly: journalOnly}
			if output == outputJSON {
				w.out, w.report = cmd.ErrOrStderr(), cmd.OutOrStdout()
			}
			if pauses {
				var err error
				if w.keyboard, err = keyboard(os.Stdin); err != nil {
					return err
				}
			}
			return runRun(cmd.Context(), cmd.Flags(), w)
		},
	}
	config.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&pauses, "pause-on-failure", false, "wait for Enter after a check that failed, before it cleans up; on a terminal, with one process")
	cmd.Flags().StringVar(&recorded, "record", "", "file to write what was observed to, for wlif mock --verify; it has no secrets, and placeholders for ids")
	cmd.Flags().BoolVar(&journalOnly, "journal-only", false, "show no progress and write the journal alone; wlif report FOLDER makes the reports of it")
	addOutputFlag(cmd, &output)
	cmd.Flags().SortFlags = false
	return cmd
}

// launch is a run as its launcher knows it.
type launch struct {
	cfg     *config.Config
	chosen  selection
	tools   tools
	id      string
	started time.Time
	state   string
	folder  runfolder.Folder

	redactor   *redact.Redactor
	journal    *journal.Writer
	written    *journal.Follower
	console    *console
	interrupts *interrupts

	// keyboard says that somebody has looked around; nil: the run does not pause.
	keyboard *bufio.Reader
	desk     *pause.Desk

	// jsonReport gets the report in the end; nil: nobody asked for it.
	jsonReport io.Writer
	// recording is a file for what was observed; empty: nobody asked for it.
	recording string
	// journalOnly leaves progress and the other files of the report to who wants them.
	journalOnly bool

	// canary is a secret that the suite plants where payloads go.
	canary string
	mock   *mockProcess // nil: the cloud was there before
	client *cloud.Client
	// suiteRan is set once the suite was started: something may exist.
	suiteRan bool
	// stuck is why resources could not be deleted, by their ids.
	stuck map[string]string
}

// wishes are the words of `wlif run` beside the configuration's.
type wishes struct {
	// out gets the progress; report, if it is not nil, the report as JSON in the end.
	out, report io.Writer
	// keyboard, recording and journalOnly: see launch.
	keyboard    *bufio.Reader
	recording   string
	journalOnly bool
}

func runRun(ctx context.Context, flags *pflag.FlagSet, w wishes) error {
	cfg, err := config.Load(flags, os.Environ())
	if err != nil {
		return err
	}
	chosen, err := selectChecks(cfg)
	if err != nil {
		return err
	}
	programs, err := findTools()
	if err != nil {
		return err
	}
	l, err := newLaunch(cfg, chosen, programs, w.out)
	if err != nil {
		return err
	}
	l.jsonReport, l.recording, l.journalOnly = w.report, w.recording, w.journalOnly
	if l.keyboard = w.keyboard; l.keyboard != nil {
		l.cfg.Procs = 1 // two that wait at once could not be told apart
	}
	return finished(l.run(ctx))
}

func newLaunch(cfg *config.Config, chosen selection, programs tools, out io.Writer) (*launch, error) {
	l := &launch{cfg: cfg, chosen: chosen, tools: programs, id: provision.NewRunID(), started: time.Now(), redactor: &redact.Redactor{}, canary: rand.Text()}
	if err := l.keepSecret(); err != nil {
		return nil, usageError(err)
	}
	var err error
	if l.state, err = provision.StateDir(); err != nil {
		return nil, err
	}
	if l.folder, err = runfolder.Create(cfg.Out, l.id, l.started); err != nil {
		return nil, &exitError{code: 2, err: err, hint: "--out names a folder that can be written to"}
	}
	if l.journal, err = journal.Open(string(l.folder), "run", l.redactor); err != nil {
		return nil, err
	}
	l.written = journal.Follow(string(l.folder))
	l.console = newConsole(out, l.redactor)
	return l, nil
}

// keepSecret registers the configuration's secrets with the redactor.
func (l *launch) keepSecret() error {
	for name, secret := range l.cfg.Secrets() {
		if err := l.redactor.Register(name, secret.Reveal()); err != nil {
			return err
		}
	}
	return nil
}

// run does everything and returns the exit code. Whatever fails is journaled; the
// way to the reports is the same.
func (l *launch) run(ctx context.Context) int {
	l.interrupts = catchInterrupts(l.interrupted)
	defer l.interrupts.stop()
	l.begin()
	stopShowing := l.show()
	defer stopShowing()
	if err := l.prepare(ctx); err != nil {
		l.problem("preflight", err)
	} else if err := l.runSuite(); err != nil {
		l.problem("suite", err)
	}
	if l.interrupts.times() > 0 {
		l.problem("run", errors.New("interrupted by the user"))
	}
	if l.desk != nil {
		if err := l.desk.Close(); err != nil {
			l.problem("pause", err)
		}
	}
	kept := l.finish(ctx)
	stopShowing()
	return l.report(kept)
}

// show shows the run's progress, if somebody wants to see it.
func (l *launch) show() (stop func()) {
	if l.journalOnly {
		l.written.Without(journal.Called{}.Kind())
		return func() {}
	}
	return l.console.follow(l.written)
}

func (l *launch) begin() {
	v, c := toolVersion()
	_ = l.journal.Write(journal.RunStarted{
		RunID: l.id, Profile: l.cfg.Profile, Cloud: l.cfg.Cloud, Cluster: l.cfg.Cluster, Version: v, Commit: c,
		Reproduce: reproduce(os.Args), Selection: l.chosen.text, Chosen: l.chosen.ids,
	})
	l.console.say("run %s, reports in %s", l.id, l.folder)
}

// reproduce is the command of this run as one would type it.
func reproduce(args []string) string {
	words := []string{filepath.Base(args[0])}
	for _, arg := range args[1:] {
		if strings.ContainsAny(arg, " \t\n\"'$`\\*?[]{}()<>|&;!#~") || arg == "" {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

func (l *launch) interrupted(count int) {
	switch count {
	case 1:
		l.console.say("interrupted: ending the checks and deleting everything; again to cut the deletion short")
	case 2:
		l.console.say("interrupted twice: cutting the deletion short; again to end at once")
	default:
		l.console.say("interrupted again: ending at once; `wlif sweep --run %s` deletes what is left", l.id)
	}
}

// problem journals a failure of the engine, and whether the user's input caused it.
func (l *launch) problem(where string, err error) {
	var (
		exit  *exitError
		wrong *config.Error
	)
	reason := err.Error()
	usage := errors.As(err, &wrong)
	if errors.As(err, &exit) {
		usage = usage || exit.code == 2
		if exit.hint != "" {
			reason += "; " + exit.hint
		}
	}
	_ = l.journal.Write(journal.Problem{Where: where, Reason: reason, Usage: usage})
}

// prepare starts the mock if there is to be one, looks at everything that costs
// nothing to look at, and writes what the suite needs.
func (l *launch) prepare(ctx context.Context) error {
	ctx, cancel := l.interrupts.until(ctx, 1)
	defer cancel()
	if err := firstProblem(append(machine(ctx, l.cfg), affordable(l.cfg, l.console.out))); err != nil {
		return err
	}
	if l.cfg.Cloud == config.CloudMock && l.cfg.Endpoint == "" {
		if err := l.startMock(ctx); err != nil {
			return err
		}
	}
	client, err := connect(ctx, l.cfg, l.id)
	if err != nil {
		return err
	}
	l.client = client
	if err := firstProblem(preflight(ctx, l.cfg, client)); err != nil {
		return err
	}
	_ = l.journal.Write(journal.Target{Endpoint: l.cfg.Endpoint, CloudID: l.cfg.CloudID, FolderID: l.cfg.FolderID})
	info := runfolder.Run{RunID: l.id, Launcher: os.Getpid(), StateDir: l.state, Filter: l.chosen.filter, Asked: l.chosen.asked, Lacking: l.lacking()}
	if l.keyboard != nil {
		if l.desk, err = pause.Open(func(f pause.Failure) { l.lookAround(f) }); err != nil {
			return err
		}
		info.Pause = l.desk.Socket()
	}
	if l.mock != nil {
		if info.CollectLogs, err = l.mock.logsCommand(l.folder.ClusterLogs()); err != nil {
			return err
		}
	}
	if err := errors.Join(l.cfg.Save(l.folder.ConfigFile()), l.folder.SaveRun(info), l.makeLedger()); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted before anything was created")
	}
	l.suiteRan = true
	return nil
}

func (l *launch) startMock(ctx context.Context) error {
	const key = "mock"
	l.console.begin(key, "starting the mock cloud", time.Now(), 0)
	defer l.console.end(key)
	m, err := startMock(ctx, mockOptions{cfg: l.cfg, runID: l.id, audit: l.folder.AuditLog(), say: func(line string) {
		l.console.detail(key, line)
		_ = l.journal.Write(journal.Log{Level: "info", Text: "mock: " + line})
	}})
	if err != nil {
		return err
	}
	l.mock = m
	if err := m.apply(l.cfg); err != nil {
		return err
	}
	return l.keepSecret()
}

func (l *launch) lacking() []conformance.Feature {
	var out []conformance.Feature
	for _, name := range l.cfg.Lacks {
		out = append(out, conformance.Feature(name))
	}
	if l.mock != nil {
		for _, name := range l.mock.announced.ClusterFeaturesLacking {
			out = append(out, conformance.Feature(name))
		}
	}
	return out
}

// makeLedger makes the run's ledger, which the suite fills.
func (l *launch) makeLedger() error {
	header := provision.Header{
		RunID: l.id, Owner: owner(), Endpoint: l.cfg.Endpoint, CABundle: os.Getenv("SSL_CERT_FILE"), CloudID: l.cfg.CloudID,
		FolderID: l.cfg.FolderID, Started: l.started, Expires: l.started.Add(l.cfg.RunTTL.D()), PID: os.Getpid(), Local: map[string]string{},
	}
	if l.mock != nil {
		header.Local[localMockDir] = l.mock.dir
		header.Local[localContainers] = l.mock.containers
		header.Local[localMockPID] = fmt.Sprint(l.mock.process.Pid)
		header.Local[localKept] = fmt.Sprint(l.cfg.Keep)
	}
	ledger, err := provision.CreateLedger(l.state, header)
	if err != nil {
		return err
	}
	return ledger.Close()
}

// owner is who started the run, for the label that others see.
func owner() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
