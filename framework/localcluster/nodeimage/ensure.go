package nodeimage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/buildcache"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
)

const (
	// builtLabel tells an image that was built here from one that was pulled.
	builtLabel = "wlif.built"
	// baseLabel says which base a node image was built on.
	baseLabel = "wlif.base"
)

// Reference is the node image of a full version of Kubernetes ("1.36.3").
func Reference(full string) string { return "kindest/node:v" + full }

// Ensure returns the reference of the node image for a version (a minor, or a full
// one of kubebin.Versions), and first gets the image if Docker lacks it: pulls it,
// or builds it, which takes some minutes. Runs that ask at the same time do it once.
// When it fails, or ctx ends, nothing but caches is left. say gets one line for
// each step, one at a time, and may be nil.
func Ensure(ctx context.Context, version string, say func(string)) (reference string, err error) {
	full, ok := kubebin.Resolve(version)
	if !ok {
		return "", fmt.Errorf("there is no node image of Kubernetes %q: choose one of %s", version, strings.Join(kubebin.Versions(), ", "))
	}
	reference = Reference(full)
	id, err := inputs()
	if err != nil {
		return "", err
	}
	err = ensure(ctx, reference, say, func(labels map[string]string) bool { return usable(labels, id, MayRaiseLimits()) }, func(say func(string)) error {
		// A published image has no runc for hosts that lack a capability.
		if MayRaiseLimits() && pull(ctx, reference, say) {
			return nil
		}
		return build(ctx, full, reference, say)
	})
	return reference, err
}

// usable tells from an image's labels whether it serves: one that was pulled does
// where the published images run, one that was built does while its base is today's.
func usable(labels map[string]string, base string, published bool) bool {
	if labels[builtLabel] == "" {
		return published
	}
	return labels[baseLabel] == base
}

// ensure has provide get an image if Docker has none that is usable, in one process
// at a time.
func ensure(ctx context.Context, reference string, say func(string), usable func(labels map[string]string) bool, provide func(say func(string)) error) error {
	say = oneAtATime(say)
	if err := answers(ctx); err != nil {
		return err
	}
	if labels, ok := labels(ctx, reference); ok && usable(labels) {
		say(fmt.Sprintf("image %s: Docker has it", reference))
		return nil
	}
	file, err := lockFile(reference)
	if err != nil {
		return err
	}
	unlock, err := buildcache.Lock(ctx, file, func() {
		say(fmt.Sprintf("image %s: another run is getting it, waiting", reference))
	})
	if err != nil {
		return err
	}
	defer unlock()
	if labels, ok := labels(ctx, reference); ok && usable(labels) {
		say(fmt.Sprintf("image %s: Docker has it", reference))
		return nil
	}
	began := time.Now()
	if err := provide(say); err != nil {
		return fmt.Errorf("getting the image %s: %w", reference, err)
	}
	say(fmt.Sprintf("image %s: ready after %s", reference, time.Since(began).Round(time.Second)))
	return nil
}

// lockFile is locked by who gets an image.
func lockFile(reference string) (string, error) {
	root, err := cacheDir()
	return filepath.Join(root, strings.NewReplacer("/", "_", ":", "_").Replace(reference)+".lock"), err
}

func oneAtATime(say func(string)) func(string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if say != nil {
			say(line)
		}
	}
}

// cacheDir makes the folder of what is built here.
func cacheDir() (string, error) {
	root, err := buildcache.Dir("nodeimage")
	if err != nil {
		return "", err
	}
	return root, os.MkdirAll(root, 0o700)
}
