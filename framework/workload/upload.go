package workload

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
)

// Upload copies a program of this machine into a container of a pod, where it can be
// run as path. The container needs sh and gzip. The error is a *SessionError.
func Upload(ctx context.Context, c *cluster.Cluster, namespace, pod, container, program, path string) error {
	doing := fmt.Sprintf("copying %s into the pod %s", program, pod)
	file, err := os.Open(program) //nolint:gosec // G304: the caller chooses what is copied
	if err != nil {
		return &SessionError{doing, err}
	}
	defer func() { _ = file.Close() }()
	executor, err := newExecutor(c, namespace, pod, &corev1.PodExecOptions{
		Container: container, Command: []string{"sh", "-c", `gzip -d >"$1" && chmod 700 "$1"`, "sh", path}, Stdin: true, Stderr: true,
	})
	if err != nil {
		return &SessionError{doing, err}
	}
	reader, writer := io.Pipe()
	go func() {
		// A third of the size in a moment; better compression would take longer than it saves.
		packed, _ := gzip.NewWriterLevel(writer, gzip.BestSpeed)
		_, err := io.Copy(packed, file)
		if err == nil {
			err = packed.Close()
		}
		_ = writer.CloseWithError(err) // nil ends the file
	}()
	var said bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: reader, Stderr: &said})
	_ = reader.Close()
	if err != nil {
		return &SessionError{doing, fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))}
	}
	return nil
}
