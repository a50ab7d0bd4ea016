package nodeimage

import (
	"context"
	"os"
	"path/filepath"
)

// workload is the image of the tutorial's pod, with the name that a node gives it.
const workload = "docker.io/library/nginx:latest"

// workloadPackages are what the tutorial runs in the pod.
const workloadPackages = "nginx-light,bash,curl,jq,ca-certificates"

// EnsureWorkload returns the references of the images that test pods run, after getting
// those that Docker lacks, as Ensure does: from the registry, or made of Debian's
// packages under the same name.
func EnsureWorkload(ctx context.Context, say func(string)) (references []string, err error) {
	whatever := func(map[string]string) bool { return true }
	return []string{workload}, ensure(ctx, workload, say, whatever, func(say func(string)) error {
		if pull(ctx, workload, say) {
			return nil
		}
		return buildWorkload(ctx, say)
	})
}

func buildWorkload(ctx context.Context, say func(string)) error {
	root, err := cacheDir()
	if err != nil {
		return err
	}
	return scratch(root, "workload", func(work string) error {
		say("image " + workload + ": installing Debian's packages into a root file system")
		archive := filepath.Join(work, "root.tar")
		if err := debian(ctx, work, archive, workloadPackages, say,
			// As in the published image: what it logs is the container's log.
			`--customize-hook=ln -sf /dev/stdout "$1/var/log/nginx/access.log" && ln -sf /dev/stderr "$1/var/log/nginx/error.log"`); err != nil {
			return err
		}
		return importImage(ctx, archive, workload, "EXPOSE 80", `CMD ["nginx", "-g", "daemon off;"]`)
	})
}

// importImage makes an image of a root file system's archive. changes are lines as in
// a Dockerfile.
func importImage(ctx context.Context, archive, reference string, changes ...string) error {
	from, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	args := []string{"import"}
	for _, change := range append(changes, "LABEL "+builtLabel+"=true") {
		args = append(args, "--change", change)
	}
	_, err = docker(ctx, from, append(args, "-", reference)...)
	return err
}
