package nodeimage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
)

// build makes the node image of a full version.
func build(ctx context.Context, full, reference string, say func(string)) error {
	p := programs{version: full}
	var err error
	if p.control, err = (kubebin.Cache{}).Ensure(ctx, full, say); err != nil {
		return err
	}
	if p.node, err = (kubebin.Cache{}).EnsureNode(ctx, full, say); err != nil {
		return err
	}
	if p.base, err = ensureBase(ctx, say); err != nil {
		return err
	}
	say(fmt.Sprintf("image %s: assembling", reference))
	images, err := p.images(ctx)
	if err != nil {
		return err
	}
	return p.commit(ctx, images, reference)
}

// buildSeconds bounds the life of a build container, so that one whose builder was
// killed ends by itself.
const buildSeconds = "900"

// commit adds a version's programs and images to the base, in a container.
func (p programs) commit(ctx context.Context, images map[name.Reference]v1.Image, reference string) (err error) {
	container := "wlif-build-" + strings.ToLower(rand.Text()[:10])
	defer func() {
		// Also when ctx has ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if _, gone := docker(ctx, nil, "rm", "--force", "--volumes", container); gone != nil && err == nil {
			err = gone
		}
	}()
	// Systemd ends on this signal; an image that was imported names none.
	if _, err := docker(ctx, nil, "run", "--detach", "--rm", "--name", container, "--network=none", "--stop-signal=SIGRTMIN+3",
		"--security-opt=seccomp=unconfined", "--entrypoint=sleep", p.base.reference, buildSeconds); err != nil {
		return err
	}
	root := pack([]file{
		{name: "usr/bin/" + kubebin.Kubeadm, mode: 0o755, source: p.node.Path(kubebin.Kubeadm)},
		{name: "usr/bin/" + kubebin.Kubelet, mode: 0o755, source: p.node.Path(kubebin.Kubelet)},
		{name: "usr/bin/" + kubebin.Kubectl, mode: 0o755, source: p.node.Path(kubebin.Kubectl)},
		{name: "kind/version", mode: 0o644, content: []byte("v" + p.version)},
	})
	defer func() { _ = root.Close() }()
	if _, err := docker(ctx, root, "cp", "-", container+":/"); err != nil {
		return err
	}
	if err := load(ctx, container, images); err != nil {
		return err
	}
	_, err = docker(ctx, nil, "commit", "--change", `ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]`, "--change", "CMD []",
		"--change", "LABEL "+builtLabel+"=true", "--change", "LABEL "+baseLabel+"="+p.base.id, container, reference)
	if err != nil {
		return err
	}
	// The image that had this reference until now, if no cluster uses it.
	_, err = docker(ctx, nil, "image", "prune", "--force", "--filter", "label="+builtLabel)
	return err
}

// load imports images into the containerd of a build container, packed as a node
// unpacks them when it starts them.
func load(ctx context.Context, container string, images map[name.Reference]v1.Image) error {
	script, err := sources.ReadFile("files/load.sh")
	if err != nil {
		return err
	}
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := tarball.MultiRefWrite(images, writer)
		writer.CloseWithError(err)
		written <- err
	}()
	_, err = docker(ctx, reader, "exec", "--interactive", container, "sh", "-c", string(script))
	_ = reader.Close()
	if failed := <-written; err == nil && failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		err = failed
	}
	return err
}

// mayRaiseLimits says that this host's root has CAP_SYS_RESOURCE.
func mayRaiseLimits() bool {
	status, err := os.ReadFile("/proc/self/status")
	return err != nil || hasSysResource(string(status))
}

func hasSysResource(status string) bool {
	for line := range strings.Lines(status) {
		if set, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			var mask uint64
			if _, err := fmt.Sscanf(strings.TrimSpace(set), "%x", &mask); err == nil {
				return mask&(1<<24) != 0
			}
		}
	}
	return true
}
