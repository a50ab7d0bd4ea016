package kind

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// Remain is what one engine has in Docker: a network, and clusters in it.
type Remain struct {
	// Prefix is the engine's.
	Prefix string
	Since  time.Time
}

// Remains lists what engines have in Docker, those in use included. Where no Docker
// is installed there is nothing; one that does not answer is a *NoDockerError.
func Remains(ctx context.Context) ([]Remain, error) {
	if !installed() {
		return nil, nil
	}
	if _, err := Docker(ctx); err != nil {
		return nil, err
	}
	// A container that was made when its network had gone has none.
	containers, err := docker(ctx, nil, "ps", "--all", "--filter", "label="+clusterLabel, "--format", `{{.Label "`+clusterLabel+`"}}`+"\t{{.CreatedAt}}")
	if err != nil {
		return nil, fmt.Errorf("looking for kind clusters: %w", err)
	}
	networks, err := docker(ctx, nil, "network", "ls", "--filter", "label="+networkLabel, "--format", "{{.Name}}-\t{{.CreatedAt}}")
	if err != nil {
		return nil, fmt.Errorf("looking for networks of kind clusters: %w", err)
	}
	return remains(string(networks) + string(containers))
}

// createdLayout is how Docker writes times in its lists.
const createdLayout = "2006-01-02 15:04:05 -0700 MST"

// remains reads lines of a name, which begins with a prefix and a dash, and a time.
func remains(listed string) ([]Remain, error) {
	since := map[string]time.Time{}
	for line := range strings.Lines(listed) {
		name, created, _ := strings.Cut(strings.TrimSpace(line), "\t")
		dash := strings.LastIndexByte(name, '-')
		if dash < 0 {
			continue // a kind cluster of somebody else's
		}
		// Networks have fractions of a second, containers have none.
		at, err := time.Parse(createdLayout, created)
		if err != nil {
			return nil, fmt.Errorf("reading when Docker made %s: %w", name, err)
		}
		if former, known := since[name[:dash]]; !known || at.Before(former) {
			since[name[:dash]] = at
		}
	}
	var found []Remain
	for _, prefix := range slices.Sorted(maps.Keys(since)) {
		found = append(found, Remain{Prefix: prefix, Since: since[prefix]})
	}
	return found, nil
}

func installed() bool {
	_, err := exec.LookPath("docker")
	return err == nil
}

// removeBudget bounds how long Docker may take to remove what a prefix has.
const removeBudget = 2 * time.Minute

// Remove removes the clusters of a prefix, and its network. Nobody may be using
// them; what is not there is no error.
func Remove(ctx context.Context, prefix string) error {
	if !installed() {
		return nil
	}
	if _, err := Docker(ctx); err != nil {
		return fmt.Errorf("looking for containers of %s: %w", prefix, err)
	}
	ctx, cancel := context.WithTimeout(ctx, removeBudget)
	defer cancel()
	// A `docker run` outlives the process that was killed, and then makes a container.
	if err := poll(ctx, "docker run to end", func(context.Context) error { return making(prefix) }); err != nil {
		return err
	}
	for {
		if err := removeClusters(ctx, prefix); err != nil {
			return fmt.Errorf("removing the kind clusters of %s: %w", prefix, err)
		}
		if err := removeNetwork(ctx, prefix); err != nil {
			return err
		}
		// Docker may have been making one all the while.
		if names, err := clustersOf(ctx, prefix); err != nil || len(names) == 0 {
			return err
		}
	}
}

// removeClusters returns when none is left. Docker lists a container that it is
// making, but says that there is none when it is to remove it.
func removeClusters(ctx context.Context, prefix string) error {
	// kind wants a kubeconfig to remove the cluster from, which is not the user's.
	dir, err := os.MkdirTemp("", "wlif-kubeconfig-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	provider := cluster.NewProvider(cluster.ProviderWithDocker())
	return poll(ctx, "containers to be gone", func(ctx context.Context) error {
		names, err := clustersOf(ctx, prefix)
		if err != nil {
			return err
		}
		var left error
		for _, name := range names {
			left = errors.Join(left, fmt.Errorf("%s was still there", name), explained(provider.Delete(name, filepath.Join(dir, "none"))))
		}
		return left
	})
}

// clustersOf lists the clusters of a prefix.
func clustersOf(ctx context.Context, prefix string) ([]string, error) {
	out, err := docker(ctx, nil, "ps", "--all", "--filter", "label="+clusterLabel, "--format", `{{.Label "`+clusterLabel+`"}}`)
	if err != nil {
		return nil, fmt.Errorf("listing kind clusters: %w", err)
	}
	names := slices.DeleteFunc(lines(out), func(name string) bool { return !strings.HasPrefix(name, prefix+"-") })
	slices.Sort(names)
	return slices.Compact(names), nil
}

// making is an error while a container of the prefix is being made.
func making(prefix string) error {
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path) //nolint:gosec // G304: from the pattern above
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
