package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeimage"
)

func newNodeImageCommand() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:   "node-image",
		Short: "Get the images that kind clusters run, so that a run need not wait",
		Long: `Get the images that kind clusters run: the node of a Kubernetes version, the
tutorial's pod, and the test of issuers that Kubernetes has. They are pulled where a
registry answers, else built from Go modules and Debian's packages, once, and kept
by Docker.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			full, ok := kubebin.Resolve(version)
			if !ok {
				return usageError(fmt.Errorf("--k8s-version %q: choose one of %v", version, kubebin.Versions()))
			}
			return getImages(cmd.Context(), full, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&version, "k8s-version", kubebin.Versions()[0], "Kubernetes version of the node, like 1.36")
	return cmd
}

func getImages(ctx context.Context, version string, out io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	began := time.Now()
	return nodeimage.EnsureAll(ctx, version, func(line string) {
		_, _ = fmt.Fprintf(out, "%6s  %s\n", time.Since(began).Round(time.Second), line)
	})
}
