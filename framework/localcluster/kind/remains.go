package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/kind/pkg/cluster"
)

// clusterLabel is kind's, of every container.
const clusterLabel = "io.x-k8s.kind.cluster"

// Remain is a network of this engine's, and whatever is in it.
type Remain struct {
	// Prefix is the engine's.
	Prefix string
	Since  time.Time
}

// Remains lists the networks that engines made on this machine, those in use
// included. A cluster has none but in one, and Remove takes the network last. Where no
// Docker is installed there are none; one that does not answer is a *NoDockerError.
func Remains(ctx context.Context) ([]Remain, error) {
	if !installed() {
		return nil, nil
	}
	if _, err := Docker(ctx); err != nil {
		return nil, err
	}
	out, err := docker(ctx, nil, "network", "ls", "--filter", "label="+networkLabel, "--format", "{{.Name}}")
	if err != nil {
		return nil, fmt.Errorf("looking for networks of kind clusters: %w", err)
	}
	var found []Remain
	for _, name := range lines(out) {
		since, err := docker(ctx, nil, "network", "inspect", "--format", "{{json .Created}}", name)
		if missing(err, name) {
			continue // somebody was quicker
		}
		r := Remain{Prefix: name}
		if err == nil {
			err = json.Unmarshal(since, &r.Since)
		}
		if err != nil {
			return nil, fmt.Errorf("looking at the network %s: %w", name, err)
		}
		found = append(found, r)
	}
	return found, nil
}

func installed() bool {
	_, err := exec.LookPath("docker")
	return err == nil
}

// Remove removes the clusters of a prefix, and its network. Nobody may be using
// them; what is not there is no error.
func Remove(ctx context.Context, prefix string) error {
	if !installed() {
		return nil
	}
	if _, err := Docker(ctx); err != nil {
		return fmt.Errorf("looking for containers of %s: %w", prefix, err)
	}
	// A `docker run` outlives the process that was killed, and then makes a container.
	if err := poll(ctx, "docker run to end", func(context.Context) error { return making(prefix) }); err != nil {
		return err
	}
	provider := cluster.NewProvider(cluster.ProviderWithDocker())
	names, err := provider.List()
	if err != nil {
		return fmt.Errorf("listing kind clusters: %w", explained(err))
	}
	// kind wants a kubeconfig to remove the cluster from, which is not the user's.
	dir, err := os.MkdirTemp("", "wlif-kubeconfig-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var errs []error
	for _, name := range names {
		if strings.HasPrefix(name, prefix+"-") {
			errs = append(errs, explained(provider.Delete(name, filepath.Join(dir, "none"))))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("removing the kind clusters of %s: %w", prefix, err)
	}
	return removeNetwork(ctx, prefix)
}

// making is an error while a container of the prefix is being made.
func making(prefix string) error {
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		arguments := strings.Split(string(raw), "\x00")
		ours := func(word string) bool { return strings.HasPrefix(word, clusterLabel+"="+prefix+"-") }
		if len(arguments) > 1 && arguments[1] == "run" && slices.ContainsFunc(arguments, ours) {
			return fmt.Errorf("%s is making one", filepath.Dir(path))
		}
	}
	return nil
}
