package nodeimage

import (
	"context"
	"embed"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
)

// The images that test pods run, with the names that a node gives them.
const (
	// tutorialImage is that of the tutorial's pod.
	tutorialImage = "docker.io/library/nginx:latest"
	// agnhostImage is that of Kubernetes' own tests, in the version that the release
	// agnhostRelease has them run. What it looks at is the same in all releases.
	agnhostImage   = "registry.k8s.io/e2e-test-images/agnhost:2.63.0"
	agnhostRelease = "1.36.3"
)

// tutorialPackages are what the tutorial runs in the pod.
const tutorialPackages = "nginx-light,bash,curl,jq,ca-certificates"

// agnhostSources are apart from sources: no node is made of them.
//
//go:embed agnhost/main.go
var agnhostSources embed.FS

// Workloads are the references of the images that test pods run, with registry and tag.
func Workloads() []string { return []string{tutorialImage, agnhostImage} }

// EnsureAll gets the node image of a version and those of Workloads that Docker lacks,
// as Ensure does: from their registries, or under the same names, made of Debian's
// packages and of the Go module of Kubernetes. What was made has of agnhost no more
// than the tests of an issuer.
func EnsureAll(ctx context.Context, version string, say func(string)) error {
	say = oneAtATime(say)
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		_, err := Ensure(groupCtx, version, say)
		return err
	})
	group.Go(func() error { return ensureWorkload(groupCtx, tutorialImage, say, buildTutorial) })
	if err := group.Wait(); err != nil {
		return err
	}
	// It has many packages in common with the node's programs: they are compiled now.
	return ensureWorkload(ctx, agnhostImage, say, buildAgnhost)
}

func ensureWorkload(ctx context.Context, reference string, say func(string), build func(context.Context, func(string)) error) error {
	whatever := func(map[string]string) bool { return true }
	return ensure(ctx, reference, say, whatever, func(say func(string)) error {
		if pull(ctx, reference, say) {
			return nil
		}
		return build(ctx, say)
	})
}

func buildTutorial(ctx context.Context, say func(string)) error {
	root, err := cacheDir()
	if err != nil {
		return err
	}
	return scratch(root, "workload", func(work string) error {
		say("image " + tutorialImage + ": installing Debian's packages into a root file system")
		archive := filepath.Join(work, "root.tar")
		if err := debian(ctx, work, archive, tutorialPackages, say,
			// As in the published image: what it logs is the container's log.
			`--customize-hook=ln -sf /dev/stdout "$1/var/log/nginx/access.log" && ln -sf /dev/stderr "$1/var/log/nginx/error.log"`); err != nil {
			return err
		}
		return importFile(ctx, archive, tutorialImage, "EXPOSE 80", `CMD ["nginx", "-g", "daemon off;"]`)
	})
}

func buildAgnhost(ctx context.Context, say func(string)) error {
	root, err := cacheDir()
	if err != nil {
		return err
	}
	return scratch(root, "agnhost", func(work string) error {
		nested, program := filepath.Join(work, "nested"), filepath.Join(work, "agnhost")
		module, err := kubebin.Module(agnhostRelease, nested)
		if err != nil {
			return err
		}
		say("image " + agnhostImage + ": compiling its test of issuers from the Go module of Kubernetes " + agnhostRelease)
		p := part{module: module, sources: agnhostSources, programs: map[string][]string{"agnhost": {"agnhost/main.go"}}}
		if err := p.build(ctx, nested, work); err != nil {
			return err
		}
		archive := pack([]file{{name: "agnhost", mode: 0o755, source: program}})
		defer func() { _ = archive.Close() }()
		return importImage(ctx, archive, agnhostImage, `ENTRYPOINT ["/agnhost"]`)
	})
}

// importFile is importImage of a file.
func importFile(ctx context.Context, archive, reference string, changes ...string) error {
	from, err := os.Open(archive) //nolint:gosec // G304: an archive that was just made
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	return importImage(ctx, from, reference, changes...)
}

// importImage makes an image of a root file system's archive. changes are lines as in
// a Dockerfile.
func importImage(ctx context.Context, archive io.Reader, reference string, changes ...string) error {
	args := []string{"import"}
	for _, change := range append(changes, "LABEL "+builtLabel+"=true") {
		args = append(args, "--change", change)
	}
	_, err := docker(ctx, archive, append(args, "-", reference)...)
	return err
}
