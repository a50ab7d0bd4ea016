package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/embedded"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kind"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/endpoint"
)

// clusterFlags are the words of `wlif cluster`.
type clusterFlags struct {
	engine, version, kubeconfig, announce string
}

func newClusterCommand() *cobra.Command {
	var f clusterFlags
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Run a Kubernetes on this machine that no cloud knows, to try --kubeconfig with",
		Long: `Run a Kubernetes on this machine that no cloud knows, with one node, until it is
interrupted. Its pods reach the mock cloud that --announce names, under the real cloud's names.
The kubeconfig is written when everything is ready.

  wlif mock --announce mock.json --engine none &
  wlif cluster --announce mock.json --kubeconfig own.kubeconfig`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCluster(cmd.Context(), f, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.engine, "engine", embedded.Name, "embedded, or kind, which needs Docker")
	flags.StringVar(&f.version, "k8s-version", kubebin.Versions()[0], "Kubernetes version, like 1.36")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "path of the kubeconfig that is written, for the administrator (needed)")
	flags.StringVar(&f.announce, "announce", "", "file that a mock wrote when it was ready")
	return cmd
}

func runCluster(ctx context.Context, f clusterFlags, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if f.kubeconfig == "" {
		return usageError(errors.New("--kubeconfig is missing: the path of the file that is written"))
	}
	engine, err := mockFlags{engine: f.engine}.newEngine()
	if err == nil && engine == nil {
		err = fmt.Errorf("--engine is %q; known are %s and %s", f.engine, embedded.Name, kind.Name)
	}
	if err != nil {
		return usageError(err)
	}
	way, err := wayToMock(f.announce)
	if err != nil {
		return usageError(err)
	}
	say := func(line string) { _, _ = fmt.Fprintln(out, line) } // progress only
	if err := engine.Prepare(ctx, f.version, say); err != nil {
		var unknown *localcluster.UnknownVersionError
		if errors.As(err, &unknown) {
			return usageError(err)
		}
		return err
	}
	dir, err := os.MkdirTemp("", ownPrefix+"cluster-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cluster, err := engine.Start(ctx, localcluster.Spec{Name: "own", Version: f.version, Dir: dir, Log: out})
	if err != nil {
		return err
	}
	defer func() {
		// The context has ended by now; ending the cluster has time of its own.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeBudget)
		defer cancel()
		err = errors.Join(err, cluster.Delete(ctx))
	}()
	if _, err := cluster.AddNode(ctx, localcluster.NodeSpec{Name: "own-node", Egress: way}); err != nil {
		return err
	}
	if err := writeAdmin(f.kubeconfig, cluster.Admin()); err != nil {
		return err
	}
	say("Kubernetes " + cluster.Version() + " runs; its kubeconfig is " + f.kubeconfig)
	<-ctx.Done()
	return nil
}

// wayToMock is what pods reach of a mock; without a file it is nothing.
func wayToMock(file string) (*localcluster.Egress, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file) //nolint:gosec // G304: the file that the user named
	if err != nil {
		return nil, fmt.Errorf("--announce: %w", err)
	}
	var a mockcloud.Announcement
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("--announce %s: %w", file, err)
	}
	bundle, err := os.ReadFile(a.CABundle)
	if err != nil {
		return nil, fmt.Errorf("--announce %s: reading the mock's certificates: %w", file, err)
	}
	way := &localcluster.Egress{Hosts: map[string]string{}, CABundle: bundle}
	for _, host := range endpoint.Hosts() {
		way.Hosts[host] = a.Endpoint
	}
	return way, nil
}

// writeAdmin writes a kubeconfig (in JSON, which is YAML, so that jq reads it too) with
// an administrator's certificate, mode 0600.
func writeAdmin(path string, admin *rest.Config) error {
	const name = "own"
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: serverOf(admin), CertificateAuthorityData: admin.CAData}
	config.AuthInfos[name] = &api.AuthInfo{ClientCertificateData: admin.CertData, ClientKeyData: admin.KeyData}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	text, err := clientcmd.Write(*config)
	if err == nil {
		text, err = yaml.YAMLToJSON(text)
	}
	if err == nil {
		err = renameio.WriteFile(filepath.Clean(path), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// serverOf is the URL of an API server; a configuration may have its host alone.
func serverOf(c *rest.Config) string {
	if strings.Contains(c.Host, "://") {
		return c.Host
	}
	return "https://" + c.Host
}
