package kubebin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/buildcache"
)

// Names of the programs, also their file names in a Set's folder.
const (
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Etcd              = "etcd"

	Kubelet = "kubelet"
	Kubeadm = "kubeadm"
	Kubectl = "kubectl"
	Proxy   = "kube-proxy"
)

// Set is a folder with the programs of one version.
type Set struct {
	Dir, Version string
	programs     []string
}

// Path is the file of a program of the set.
func (s Set) Path(program string) string { return filepath.Join(s.Dir, program) }

// A Cache keeps Sets in Root/VERSION. The zero Cache is the user's:
// $XDG_CACHE_HOME/wlif/kubernetes, by default ~/.cache/wlif/kubernetes.
type Cache struct {
	Root string
	// Index is the envtest index, ReleaseURL the root of the release
	// binaries. Empty means the public ones.
	Index, ReleaseURL string
}

// manifest is written last, so that a folder without it is not a Set.
type manifest struct {
	Version string           `json:"version"`
	Origin  string           `json:"origin"`
	Sizes   map[string]int64 `json:"sizes"`
}

const manifestFile = "manifest.json"

// Ensure returns the control plane's four programs (APIServer, ControllerManager,
// Scheduler, Etcd) of a full version of Versions, and gets them first if the
// cache lacks them: a download of a minute, or a build of some five minutes on
// two cores. Runs that ask at the same time do it once. say gets one line for
// each step and may be nil.
func (c Cache) Ensure(ctx context.Context, version string, say func(string)) (Set, error) {
	return c.ensure(ctx, Set{Dir: version, Version: version, programs: []string{APIServer, ControllerManager, Scheduler, Etcd}}, say)
}

// EnsureNode is Ensure for what a node and its administrator run: Kubelet, Kubeadm,
// Kubectl and Proxy. They are a Set of their own, because a control plane of
// processes needs none of them.
func (c Cache) EnsureNode(ctx context.Context, version string, say func(string)) (Set, error) {
	return c.ensure(ctx, Set{Dir: version + "-node", Version: version, programs: []string{Kubelet, Kubeadm, Kubectl, Proxy}}, say)
}

// ensure fills a Set, whose Dir is still relative to the cache's root.
func (c Cache) ensure(ctx context.Context, set Set, say func(string)) (Set, error) {
	if say == nil {
		say = func(string) {}
	}
	root, err := c.root()
	if err != nil {
		return Set{}, err
	}
	version := set.Version
	set.Dir = filepath.Join(root, set.Dir)
	if complete(set) == nil {
		say(fmt.Sprintf("Kubernetes %s: cached in %s", version, set.Dir))
		return set, nil
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return Set{}, fmt.Errorf("making the cache of Kubernetes binaries: %w", err)
	}
	unlock, err := buildcache.Lock(ctx, set.Dir+".lock", func() {
		say(fmt.Sprintf("Kubernetes %s: another run is getting it, waiting", version))
	})
	if err != nil {
		return Set{}, err
	}
	defer unlock()
	if complete(set) == nil {
		say(fmt.Sprintf("Kubernetes %s: cached in %s", version, set.Dir))
		return set, nil
	}
	if err := c.fill(ctx, set, say); err != nil {
		return Set{}, fmt.Errorf("getting the binaries of Kubernetes %s: %w", version, err)
	}
	return set, nil
}

// fill makes the Set beside its place and moves it there when it is whole.
func (c Cache) fill(ctx context.Context, set Set, say func(string)) error {
	if err := enoughDisk(filepath.Dir(set.Dir)); err != nil {
		return err
	}
	// What a killed run left; the lock says that none is at work.
	if left, err := filepath.Glob(set.Dir + ".part-*"); err == nil {
		for _, dir := range left {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
	}
	work, err := os.MkdirTemp(filepath.Dir(set.Dir), filepath.Base(set.Dir)+".part-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	out := filepath.Join(work, "bin")
	if err := os.Mkdir(out, 0o700); err != nil {
		return err
	}

	began := time.Now()
	origin := "downloaded"
	if err := c.download(ctx, set, out); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		say(fmt.Sprintf("Kubernetes %s: no download (%v); building it from its Go module, which takes some minutes", set.Version, err))
		origin = "built"
		// What a broken download left is not mixed with what is built.
		if err := errors.Join(os.RemoveAll(out), os.Mkdir(out, 0o700)); err != nil {
			return err
		}
		if err := build(ctx, set, work, out, say); err != nil {
			return err
		}
	}
	if err := seal(ctx, Set{Dir: out, Version: set.Version, programs: set.programs}, origin); err != nil {
		return err
	}
	if err := os.RemoveAll(set.Dir); err != nil {
		return err
	}
	if err := os.Rename(out, set.Dir); err != nil {
		return err
	}
	say(fmt.Sprintf("Kubernetes %s: %s in %s", set.Version, origin, time.Since(began).Round(time.Second)))
	return nil
}

// root is where Sets live.
func (c Cache) root() (string, error) {
	if c.Root != "" {
		return c.Root, nil
	}
	return buildcache.Dir("kubernetes")
}

// complete says what a Set lacks.
func complete(set Set) error {
	raw, err := os.ReadFile(set.Path(manifestFile))
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	for _, program := range set.programs {
		info, err := os.Stat(set.Path(program))
		if err != nil {
			return err
		}
		if info.Size() != m.Sizes[program] || info.Mode().Perm()&0o100 == 0 {
			return fmt.Errorf("%s is not the file that was stored", program)
		}
	}
	return nil
}

// seal proves that every program runs and is of that version, flushes it to disk
// and writes the manifest.
func seal(ctx context.Context, set Set, origin string) error {
	m := manifest{Version: set.Version, Origin: origin, Sizes: map[string]int64{}}
	for _, program := range set.programs {
		if err := probe(ctx, set, program); err != nil {
			return err
		}
		size, err := flush(set.Path(program))
		if err != nil {
			return err
		}
		m.Sizes[program] = size
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(set.Path(manifestFile), raw, 0o600)
}

func flush(path string) (size int64, err error) {
	f, err := os.Open(path) //nolint:gosec // G304: a file of the cache folder
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Sync(); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// diskNeeded is what a build takes at its peak, beside the user's Go caches: the
// linked programs and the linker's own files.
const diskNeeded = 1 << 30

func enoughDisk(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	if free := st.Bavail * uint64(st.Bsize); free < diskNeeded { //nolint:gosec // G115: a block size is positive
		return fmt.Errorf("%s has %d MiB free and %d MiB are needed: free some, or point XDG_CACHE_HOME elsewhere", dir, free>>20, diskNeeded>>20)
	}
	return nil
}

// copyFile writes what it reads to an executable file.
func copyFile(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o700) //nolint:gosec // G302, G304: a program in the cache folder, for its owner to run
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
