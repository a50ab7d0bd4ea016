package run

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/runfolder"
)

// Run is one process's view of the run.
type Run struct {
	Config   *config.Config
	Info     runfolder.Run
	Folder   runfolder.Folder
	Redactor *redact.Redactor
	Journal  *journal.Writer

	// Target, Cloud and Cluster are there once the suite's set-up is done.
	Target  provision.Target
	Cloud   *cloud.Client
	Cluster *cluster.Cluster

	// Canary is a secret of the run: a payload to plant, that must turn up nowhere.
	Canary config.Secret
	// planted takes it out of calls. Redactor does not know it: it is looked for in
	// everything else that the run writes.
	planted *redact.Redactor

	// process is this process's name in journal and ledger.
	process string
	ledger  *provision.Ledger
}

var current *Run

// Current is the run of this process. It is nil until Open.
func Current() *Run { return current }

// ErrNoRun says that nobody started a run.
var ErrNoRun = errors.New(config.EnvRunConfig + " is not set: `wlif run` starts this suite")

// Open reads what the launcher prepared, and opens this process's journal.
// process is its name there.
func Open(process string) (*Run, error) {
	path := os.Getenv(config.EnvRunConfig)
	if path == "" {
		return nil, ErrNoRun
	}
	cfg, err := config.LoadResolved(path, os.Environ())
	if err != nil {
		return nil, err
	}
	r := &Run{Config: cfg, process: process, Folder: runfolder.Folder(filepath.Dir(path)), Redactor: &redact.Redactor{}, Canary: config.NewSecret(os.Getenv(config.EnvCanary)), planted: &redact.Redactor{}}
	if r.Info, err = r.Folder.LoadRun(); err != nil {
		return nil, err
	}
	if err := r.planted.Register("planted secret", r.Canary.Reveal()); err != nil {
		return nil, err
	}
	for name, secret := range cfg.Secrets() {
		if err := r.Redactor.Register(name, secret.Reveal()); err != nil {
			return nil, err
		}
	}
	if r.Journal, err = journal.Open(string(r.Folder), process, r.Redactor); err != nil {
		return nil, err
	}
	current = r
	return r, nil
}

// ConnectCloud connects this process to the cloud, once.
func (r *Run) ConnectCloud(ctx context.Context) error {
	if r.Cloud != nil {
		return nil
	}
	client, err := cloud.Connect(ctx, cloud.Options{
		Endpoint: r.Config.Endpoint, Credentials: r.Config.Credentials, RunID: r.Info.RunID, CallTimeout: r.Config.Timeouts.Call.D(),
		Trace: r.Trace,
	})
	if err != nil {
		return err
	}
	r.Cloud = client
	return nil
}

// Attach takes the provisioned target and connects to its cluster.
func (r *Run) Attach(ctx context.Context, target provision.Target) error {
	r.Target = target
	if err := r.ConnectCloud(ctx); err != nil {
		return err
	}
	c, err := r.Open(target.Cluster)
	if err != nil {
		return err
	}
	r.Cluster = c
	return nil
}

// Open connects to the API of a cluster. It makes no call yet.
func (r *Run) Open(c provision.Cluster) (*cluster.Cluster, error) {
	return cluster.Open(provision.KubeAccess{
		Kubeconfig: c.Kubeconfig, Endpoint: c.Endpoint, CA: []byte(c.CA),
		Token: func(ctx context.Context) (config.Secret, error) {
			token, err := r.Cloud.IAMToken(ctx)
			return token.Value, err
		},
	})
}

// Close closes the journal. The connections end with the process.
func (r *Run) Close() error { return r.Journal.Close() }

// TargetEvent identifies the target for the reports.
func (r *Run) TargetEvent(ctx context.Context) journal.Target {
	k := r.Target.Cluster
	event := journal.Target{
		Endpoint: r.Config.Endpoint, CloudID: r.Config.CloudID, FolderID: r.Config.FolderID, ClusterID: k.ID,
		ReleaseChannel: k.ReleaseChannel, Issuer: k.Issuer, JWKSURL: k.JWKSURL, KubernetesVersion: k.Version,
	}
	// The API server knows its patch version; what the cloud says may be a minor.
	if version, err := r.Cluster.Version(ctx); err == nil {
		event.KubernetesVersion = cmp.Or(version, k.Version)
	}
	return event
}
