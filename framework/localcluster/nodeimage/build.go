package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
)

// build makes the node image of a full version.
func build(ctx context.Context, full, reference string, say func(string)) error {
	p := programs{version: full}
	// Each of them leaves a processor idle for some of its time.
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if p.control, err = (kubebin.Cache{}).Ensure(groupCtx, full, say); err != nil {
			return err
		}
		p.node, err = kubebin.Cache{}.EnsureNode(groupCtx, full, say)
		return err
	})
	group.Go(func() (err error) {
		p.base, err = ensureBase(groupCtx, say)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	say(fmt.Sprintf("image %s: assembling", reference))
	images, err := p.images(ctx)
	if err != nil {
		return err
	}
	return p.commit(ctx, images, reference)
}

// buildPrefix begins the name of a build container; the version follows.
const buildPrefix = "wlif-build-"

// buildSeconds bounds the life of a build container, so that one whose builder was
// killed ends by itself.
const buildSeconds = "900"

// commit adds a version's programs and images to the base, in a container.
func (p programs) commit(ctx context.Context, images map[name.Reference]v1.Image, reference string) (err error) {
	// The caller holds the lock on the image: one of that name is a killed run's.
	container := buildPrefix + p.version
	_, _ = docker(ctx, nil, "rm", "--force", "--volumes", container)
	defer func() {
		// Also when ctx has ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if _, gone := docker(ctx, nil, "rm", "--force", "--volumes", container); gone != nil && err == nil {
			err = gone
		}
	}()
	// Systemd ends on this signal; an image that was imported names none. A container
	// that is being made when ctx ends must exist to be removed.
	if _, err := docker(context.WithoutCancel(ctx), nil, "run", "--detach", "--rm", "--name", container, "--network=none", "--stop-signal=SIGRTMIN+3",
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
	former, _ := docker(ctx, nil, "image", "inspect", "--format", "{{.Id}}", reference)
	_, err = docker(ctx, nil, "commit", "--change", `ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]`, "--change", "CMD []",
		"--change", "LABEL "+builtLabel+"=true", "--change", "LABEL "+baseLabel+"="+p.base.id, container, reference)
	if err == nil && former != "" {
		// Its base is out of date. A cluster that uses it keeps it.
		_, _ = docker(ctx, nil, "image", "rm", former)
	}
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

// MayRaiseLimits says that a container of this host can have CAP_SYS_RESOURCE.
func MayRaiseLimits() bool {
	has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, unix.CAP_SYS_RESOURCE, 0, 0, 0)
	return err != nil || has == 1
}
