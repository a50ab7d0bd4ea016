package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/buildcache"
)

// Leftovers are what builders that were killed left in Docker.
type Leftovers struct {
	// Containers are build containers by name. They would end by themselves, after
	// some minutes.
	Containers []string
	// Images are the ids of images that were built, that another has replaced and that
	// no container uses.
	Images []string
}

// FindLeftovers looks for what no builder is at work on. Docker need not be installed,
// but where it is its daemon must answer.
func FindLeftovers(ctx context.Context) (Leftovers, error) {
	var found Leftovers
	if !installed() {
		return found, nil
	}
	names, err := docker(ctx, nil, "ps", "--all", "--filter", "name=^"+buildPrefix, "--format", "{{.Names}}")
	if err != nil {
		return found, fmt.Errorf("looking for build containers: %w", err)
	}
	for _, name := range strings.Fields(names) {
		unlock, idle, err := tryBuild(name)
		if err != nil {
			return found, err
		}
		if idle {
			unlock()
			found.Containers = append(found.Containers, name)
		}
	}
	images, err := docker(ctx, nil, "images", "--quiet", "--filter", "dangling=true", "--filter", "label="+builtLabel+"=true")
	if err != nil {
		return found, fmt.Errorf("looking for images that were replaced: %w", err)
	}
	for _, id := range strings.Fields(images) {
		users, err := docker(ctx, nil, "ps", "--all", "--quiet", "--filter", "ancestor="+id)
		if err != nil {
			return found, fmt.Errorf("looking for containers of the image %s: %w", id, err)
		}
		if users == "" {
			found.Images = append(found.Images, id)
		}
	}
	return found, nil
}

func installed() bool {
	_, err := exec.LookPath("docker")
	return err == nil
}

// tryBuild takes the lock that the builder of a build container holds, unless it is at
// work.
func tryBuild(container string) (unlock func(), idle bool, err error) {
	file, err := lockFile(Reference(strings.TrimPrefix(container, buildPrefix)))
	if err != nil {
		return nil, false, err
	}
	return buildcache.TryLock(file)
}

// Remove removes them. A container whose version is being built again by now stays:
// it is the new builder's.
func (l Leftovers) Remove(ctx context.Context) error {
	var errs []error
	for _, name := range l.Containers {
		unlock, idle, err := tryBuild(name)
		if err != nil || !idle {
			errs = append(errs, err)
			continue
		}
		_, err = docker(ctx, nil, "rm", "--force", "--volumes", name)
		unlock()
		errs = append(errs, err)
	}
	for _, id := range l.Images {
		_, err := docker(ctx, nil, "image", "rm", id)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
