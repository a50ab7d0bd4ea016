package nodeimage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	wlif "github.com/wlif-conformance/wlif-conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/buildcache"
)

const (
	suite = "bookworm"
	// nodePackages are those of kind's Dockerfile, less what only storage tests and
	// rootless nodes need, and with Debian's runc and network plugins.
	nodePackages = "systemd,conntrack,iptables,nftables,iproute2,ethtool,util-linux,mount,kmod,libseccomp2,pigz,e2fsprogs,bash,ca-certificates,curl,jq,procps,runc,containernetworking-plugins"
	// proxyPackages, of nodePackages, are what kube-proxy calls.
	proxyPackages = "iptables nftables conntrack kmod"
	// sandboxImage is what containerd starts every pod with. Its version is Kubernetes'.
	sandboxImage = "registry.k8s.io/pause:3.10"
)

// base is what the node images of all versions have in common.
type base struct {
	// id is that of its inputs.
	id string
	// reference is an image: a whole node without Kubernetes.
	reference string
	// dir has the programs of parts, and proxyRoot.
	dir string
}

// proxyRoot is the root file system below kube-proxy.
const proxyRoot = "kube-proxy.tar"

func (b base) path(name string) string { return filepath.Join(b.dir, name) }

// inputs identifies what a base is made of.
func inputs() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(sources, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := sources.ReadFile(name)
		_, _ = fmt.Fprintf(sum, "%s %d\n%s\n", name, len(raw), raw)
		return err
	})
	if err != nil {
		return "", err
	}
	compiled, err := parts()
	for _, p := range compiled {
		_, _ = fmt.Fprintln(sum, p.name, p.flags)
	}
	_, _ = fmt.Fprintf(sum, "%s\n", wlif.GoMod)
	_, _ = fmt.Fprintln(sum, suite, nodePackages, proxyPackages, sandboxImage, kindVersion)
	return hex.EncodeToString(sum.Sum(nil))[:12], err
}

// ensureBase returns the base, and makes it first if it is not there.
func ensureBase(ctx context.Context, say func(string)) (base, error) {
	root, err := cacheDir()
	if err != nil {
		return base{}, err
	}
	id, err := inputs()
	if err != nil {
		return base{}, err
	}
	b := base{id: id, reference: "wlif/node-base:" + id, dir: filepath.Join(root, "base-"+id)}
	unlock, err := buildcache.Lock(ctx, b.dir+".lock", func() { say("node base: another run is making it, waiting") })
	if err != nil {
		return base{}, err
	}
	defer unlock()
	if _, err := os.Stat(b.dir); err == nil {
		if _, ok := labels(ctx, b.reference); ok {
			return b, nil
		}
	}
	began := time.Now()
	if err := b.make(ctx, say); err != nil {
		return base{}, fmt.Errorf("making the base of the node images: %w", err)
	}
	say(fmt.Sprintf("node base: made in %s", time.Since(began).Round(time.Second)))
	return b, nil
}

// make builds beside the base's folder and moves it there when it is whole.
func (b base) make(ctx context.Context, say func(string)) error {
	if err := os.RemoveAll(b.dir); err != nil {
		return err
	}
	return scratch(filepath.Dir(b.dir), filepath.Base(b.dir), func(work string) error {
		made := base{reference: b.reference, dir: filepath.Join(work, "out")}
		if err := made.fill(ctx, work, say); err != nil {
			return err
		}
		return os.Rename(made.dir, b.dir)
	})
}

// scratch gives do a folder in root that is gone afterwards. The caller holds a lock
// on name, so the folders that killed runs left can go too.
func scratch(root, name string, do func(work string) error) (err error) {
	left, err := filepath.Glob(filepath.Join(root, name+".part-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	work, err := os.MkdirTemp(root, name+".part-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	return do(work)
}

// fill compiles the programs, and makes the root file systems.
func (b base) fill(ctx context.Context, work string, say func(string)) error {
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		return err
	}
	if err := b.compile(ctx, work, say); err != nil {
		return err
	}
	say("node base: installing Debian's packages for the node")
	return b.importRoot(ctx, work, say)
}

// compile puts the programs of parts into the base's folder.
func (b base) compile(ctx context.Context, work string, say func(string)) error {
	list, err := parts()
	if err != nil {
		return err
	}
	for i, p := range list {
		say("node base: compiling " + p.name)
		if err := p.build(ctx, filepath.Join(work, fmt.Sprint("part", i)), b.dir); err != nil {
			return err
		}
	}
	return nil
}

// importRoot makes the node's root file system an image.
func (b base) importRoot(ctx context.Context, work string, say func(string)) error {
	stage, root := filepath.Join(work, "stage"), filepath.Join(work, "root.tar")
	files, err := kindFiles(ctx, filepath.Join(work, "kind"))
	if err != nil {
		return err
	}
	if err := b.stage(stage, files); err != nil {
		return err
	}
	finish, err := hook(work, "finish.sh", sandboxImage)
	if err != nil {
		return err
	}
	proxy, err := hook(work, "proxyroot.sh", b.path(proxyRoot), "'"+proxyPackages+"'")
	if err != nil {
		return err
	}
	if err := debian(ctx, work, root, nodePackages, say, "--customize-hook=sync-in "+stage+" /", finish, proxy); err != nil {
		return err
	}
	return importFile(ctx, root, b.reference, "ENV container=docker")
}

// hook has mmdebstrap run a script of files with the root file system and the arguments.
func hook(work, name string, arguments ...string) (string, error) {
	script, err := sources.ReadFile("files/" + name)
	if err != nil {
		return "", err
	}
	file := filepath.Join(work, name)
	return fmt.Sprintf(`--customize-hook=%s "$1" %s`, file, strings.Join(arguments, " ")), os.WriteFile(file, script, 0o700) //nolint:gosec // G306: a script for its owner to run
}

// stage lays out what is added to Debian's packages.
func (b base) stage(dir string, kind fs.FS) error {
	add := func(name string, mode fs.FileMode, content []byte) error {
		name = filepath.Join(dir, name)
		return errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, content, mode), os.Chmod(name, mode)) //nolint:gosec // G301, G703: the image's own files, read by its users
	}
	err := fs.WalkDir(kind, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(kind, name)
		return errors.Join(err, add(name, modeIn(name), content))
	})
	if err != nil {
		return err
	}
	for from, to := range map[string]string{"files/storage.yaml": "kind/manifests/default-storage.yaml", "files/crictl.sh": "usr/local/bin/crictl"} {
		content, err := sources.ReadFile(from)
		if err := errors.Join(err, add(to, modeIn(to), content)); err != nil {
			return err
		}
	}
	// The wrapper comes before Debian's runc in the services' PATH.
	for from, to := range map[string]string{"containerd": "usr/local/bin/containerd", "containerd-shim-runc-v2": "usr/local/bin/containerd-shim-runc-v2",
		"ctr": "usr/local/bin/ctr", "runcwrap": "usr/local/sbin/runc"} {
		content, err := os.ReadFile(b.path(from))
		if err := errors.Join(err, add(to, 0o755, content)); err != nil {
			return err
		}
	}
	return nil
}

// modeIn is the mode of a file in the image: what is in a bin folder is run.
func modeIn(name string) fs.FileMode {
	if path.Base(path.Dir(name)) == "bin" {
		return 0o755
	}
	return 0o644
}

// debian makes a tar of a root file system with the packages in out.
func debian(ctx context.Context, work, out, packages string, say func(string), hooks ...string) error {
	if err := ensureBootstrap(ctx, say); err != nil {
		return err
	}
	args := append([]string{"--variant=minbase", "--include=" + packages,
		// What is made is thrown away if the machine fails.
		"--dpkgopt=force-unsafe-io"}, hooks...)
	// What nobody reads in a container. To filter it out of the packages takes longer.
	args = append(args, `--customize-hook=rm -rf "$1"/usr/share/man/* "$1"/usr/share/locale/* "$1"/usr/share/doc/*`)
	return bootstrap(ctx, work, append(args, suite, out)...)
}

// bootstrapping has one goroutine at a time install mmdebstrap.
var bootstrapping sync.Mutex

// ensureBootstrap installs mmdebstrap where that is possible.
func ensureBootstrap(ctx context.Context, say func(string)) error {
	bootstrapping.Lock()
	defer bootstrapping.Unlock()
	if _, err := exec.LookPath("mmdebstrap"); err == nil {
		return nil
	}
	if _, err := os.Stat("/etc/debian_version"); err != nil || os.Getuid() != 0 {
		return errors.New("mmdebstrap is not installed: install it, or run this as root on Debian")
	}
	say("installing Debian's package mmdebstrap")
	if err := aptGet(ctx, "update", "-qq"); err != nil {
		return err
	}
	return aptGet(ctx, "install", "-y", "-qq", "--no-install-recommends", "mmdebstrap")
}
