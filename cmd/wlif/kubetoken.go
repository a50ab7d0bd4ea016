package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientauth "k8s.io/client-go/pkg/apis/clientauthentication/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// kubeToken is the name of the command that kubectl calls.
const kubeToken = "kube-token"

func newKubeTokenCommand() *cobra.Command {
	var run string
	cmd := &cobra.Command{
		Use:   kubeToken,
		Short: "Give kubectl an IAM token (credential plugin)",
		Long: `Give kubectl an IAM token of the account that runs use, as a credential plugin
(ExecCredential of client.authentication.k8s.io/v1, or v1beta1 if kubectl asks for that).
The kubeconfig of a run with --keep or --pause-on-failure calls it; for a Managed Kubernetes
cluster of your own put this into a kubeconfig:

  users:
  - name: wlif
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: /path/to/wlif
        args: [kube-token, --cloud=yandex, --folder-id=b1g...]
        interactiveMode: Never

Credentials come from where those of a run come from.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file, ok := cmd.OutOrStdout().(*os.File); ok && term.IsTerminal(int(file.Fd())) {
				return hinted(usageError(errors.New("it prints a token, and standard output is a terminal")), "kubectl calls it; see `wlif kube-token --help`")
			}
			return runKubeToken(cmd.Context(), run, cmd.Flags(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&run, "run", "", "id of a run on this machine whose mock is meant")
	config.AddFlags(cmd.Flags())
	cmd.Flags().SortFlags = false
	return cmd
}

func runKubeToken(ctx context.Context, run string, flags *pflag.FlagSet, out io.Writer) error {
	asked, err := askedVersion(os.Getenv("KUBERNETES_EXEC_INFO"))
	if err != nil {
		return err
	}
	cfg, err := config.Load(flags, os.Environ())
	if err != nil {
		return err
	}
	switch {
	case run != "":
		if err := useMockOf(run, cfg); err != nil {
			return err
		}
	case cfg.Cloud == config.CloudMock && cfg.Endpoint == "":
		return usageError(errors.New("which mock? name the run that started it with --run, or a cloud with --cloud=yandex"))
	}
	client, err := connect(ctx, cfg, run)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close(ctx) }() // nothing depends on it any more
	token, err := client.IAMToken(ctx)
	if err != nil {
		return usersFault(err)
	}
	answer := clientauth.ExecCredential{TypeMeta: asked, Status: &clientauth.ExecCredentialStatus{Token: token.Value.Reveal()}}
	if !token.ExpiresAt.IsZero() {
		answer.Status.ExpirationTimestamp = &metav1.Time{Time: token.ExpiresAt}
	}
	return json.NewEncoder(out).Encode(answer)
}

// askedVersion is what kubectl wants to be answered, by what it says of itself. Both
// versions have the same fields.
func askedVersion(info string) (metav1.TypeMeta, error) {
	asked := metav1.TypeMeta{APIVersion: clientauth.SchemeGroupVersion.String(), Kind: "ExecCredential"}
	if info == "" {
		return asked, nil
	}
	if err := json.Unmarshal([]byte(info), &asked); err != nil {
		return asked, usageError(fmt.Errorf("KUBERNETES_EXEC_INFO is not what kubectl sets: %w", err))
	}
	switch asked.APIVersion {
	case clientauth.SchemeGroupVersion.String(), "client.authentication.k8s.io/v1beta1":
		return asked, nil
	}
	return asked, usageError(fmt.Errorf("KUBERNETES_EXEC_INFO asks for %q: the kubeconfig's apiVersion is to be client.authentication.k8s.io/v1", asked.APIVersion))
}

// useMockOf makes the configuration that of a mock which lives on this machine.
func useMockOf(run string, cfg *config.Config) error {
	state, err := provision.StateDir()
	if err != nil {
		return err
	}
	ledgers, err := provision.Ledgers(state)
	if err != nil {
		return err
	}
	for _, ledger := range ledgers {
		if h := ledger.Header; h.RunID == run && mockAlive(h) {
			m, err := mockOf(h)
			if err != nil {
				return err
			}
			return m.apply(cfg)
		}
	}
	return hinted(usageError(fmt.Errorf("there is no mock of a run %q on this machine", run)), "a mock lives as long as its run, or with --keep until `wlif sweep --run ID`")
}

// mockOf finds a mock that lives.
func mockOf(h provision.Header) (*mockProcess, error) {
	m := &mockProcess{dir: h.Local[localMockDir], containers: h.Local[localContainers]}
	raw, err := os.ReadFile(filepath.Join(m.dir, announceName))
	if err == nil {
		err = json.Unmarshal(raw, &m.announced)
	}
	if err != nil {
		return nil, fmt.Errorf("finding the mock of run %s: %w", h.RunID, err)
	}
	return m, nil
}

// kubectlPlugin is how kubectl gets tokens for the clusters of this run: with its
// credentials, but for those that are secret and therefore come from the environment.
func (l *launch) kubectlPlugin() (cluster.Plugin, error) {
	self, err := os.Executable()
	if err != nil {
		return cluster.Plugin{}, fmt.Errorf("finding this program, for kubectl to call it: %w", err)
	}
	plugin := cluster.Plugin{Command: self, Args: []string{kubeToken}}
	if l.mock != nil {
		plugin.Args = append(plugin.Args, "--run="+l.id)
		return plugin, nil
	}
	plugin.Args = append(plugin.Args, "--cloud="+l.cfg.Cloud, "--endpoint="+l.cfg.Endpoint, "--folder-id="+l.cfg.FolderID)
	if l.cfg.Credentials.InstanceMetadata {
		plugin.Args = append(plugin.Args, "--instance-metadata")
	}
	if file := l.cfg.Credentials.KeyFile; file != "" {
		if file, err = filepath.Abs(file); err != nil {
			return cluster.Plugin{}, err
		}
		plugin.Args = append(plugin.Args, "--service-account-key-file="+file)
	}
	return plugin, nil
}
