package nodeimage

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/buildcache"
)

// Versions of what is compiled, beside Kubernetes and its etcd. Their checksums are
// in sums. A kubelet takes any of them: containerd 2 serves every supported minor.
const (
	// It is of the line that stands on the same client of Kubernetes as the project.
	containerdVersion = "v2.3.7"
	corednsVersion    = "v1.14.2"
	kindVersion       = "v0.33.0"
)

// sources are programs and files of this package that go into images.
//
//go:embed coredns/main.go pause/main.go runcwrap/main.go runcwrap/spec.go files sums
var sources embed.FS

// part is a group of programs that are built in one nested module.
type part struct {
	// name is what a user reads.
	name string
	// module is what the programs' dependencies come from; without a path, the
	// programs have none.
	module buildcache.Module
	flags  []string
	// sources has the source files of programs.
	sources fs.FS
	// programs gives each program its package or its source files.
	programs map[string][]string
}

func parts() ([]part, error) {
	containerd, err := pinned("github.com/containerd/containerd/v2", containerdVersion, "containerd")
	if err != nil {
		return nil, err
	}
	coredns, err := pinned("github.com/coredns/coredns", corednsVersion, "coredns")
	if err != nil {
		return nil, err
	}
	containerd.Raise, coredns.Raise = []string{""}, []string{""}
	return []part{
		{
			name: "containerd " + containerdVersion, module: containerd,
			// The file systems that a node does not use need C; nobody traces it, and it has no
			// plugins, for which it would bring an engine of WebAssembly.
			flags: append(buildcache.Unhurried("github.com/containerd/..."),
				"-tags", "no_btrfs,no_devmapper,no_zfs,no_tracing,nri_no_wasm", "-ldflags", "-s -w -X github.com/containerd/containerd/v2/version.Version="+containerdVersion),
			programs: map[string][]string{
				"containerd":              {"github.com/containerd/containerd/v2/cmd/containerd"},
				"containerd-shim-runc-v2": {"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2"},
				"ctr":                     {"github.com/containerd/containerd/v2/cmd/ctr"},
			},
		},
		{name: "CoreDNS " + corednsVersion, module: coredns, sources: sources, programs: map[string][]string{"coredns": {"coredns/main.go"}}},
		{name: "pause and runcwrap", sources: sources, programs: map[string][]string{
			"pause":    {"pause/main.go"},
			"runcwrap": {"runcwrap/main.go", "runcwrap/spec.go"},
		}},
	}, nil
}

func pinned(path, version, sums string) (buildcache.Module, error) {
	raw, err := sources.ReadFile("sums/" + sums + ".sum")
	return buildcache.Module{Path: path, Version: version, Sums: raw}, err
}

// build compiles the programs of a part into out, in a nested module in work.
func (p part) build(ctx context.Context, work, out string) error {
	if err := os.Mkdir(work, 0o700); err != nil {
		return err
	}
	if p.sources != nil {
		if err := os.CopyFS(work, p.sources); err != nil {
			return err
		}
	}
	if p.module.Path == "" {
		if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte("module nested.local/build\n\ngo 1.26\n"), 0o600); err != nil {
			return err
		}
	} else if _, err := p.module.Nest(ctx, work); err != nil {
		return err
	}
	for program, from := range p.programs {
		args := append([]string{"build", "-mod=mod", "-ldflags", "-s -w"}, p.flags...)
		args = append(args, "-o", filepath.Join(out, program))
		if _, err := buildcache.Go(ctx, work, append(args, from...)...); err != nil {
			return fmt.Errorf("building %s: %w", program, err)
		}
	}
	return nil
}

// kindFiles is the folder images/base/files of the kind module, which kind itself
// makes its node images from.
func kindFiles(ctx context.Context, work string) (fs.FS, error) {
	kind, err := pinned("sigs.k8s.io/kind", kindVersion, "kind")
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(work, 0o700); err != nil {
		return nil, err
	}
	dir, err := kind.Nest(ctx, work)
	if err != nil {
		return nil, err
	}
	return os.DirFS(filepath.Join(dir, "images", "base", "files")), nil
}
