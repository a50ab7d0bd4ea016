package buildcache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	// Reads and writes the go.mod of the nested module.
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	wlif "github.com/wlif-conformance/wlif-conformance"
)

// Module is a Go module from which programs are built, with the dependencies of its
// own go.mod and not the project's.
type Module struct {
	Path, Version string
	// Sums are lines of a go.sum for what the module's own go.sum does not
	// have: the module itself.
	Sums []byte
	// Raise begins the paths of dependencies that are raised to the project's version, where
	// that is later: they need not be compiled twice. The empty text begins them all.
	Raise []string
	// Edit, if set, changes the nested go.mod.
	Edit func(*modfile.File) error
}

// Nest makes dir a Go module in which packages of m can be built, and returns the
// folder with m's own files, which cannot be written to.
func (m Module) Nest(ctx context.Context, dir string) (source string, err error) {
	// An own go.sum makes go compare what it fetches with the pinned sums.
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module nested.local/build\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "go.sum"), m.Sums, 0o600),
	); err != nil {
		return "", err
	}
	answer, err := Go(ctx, dir, "mod", "download", "-json", m.Path+"@"+m.Version)
	if err != nil {
		return "", err
	}
	var fetched struct{ GoMod, Dir string }
	if err := json.Unmarshal(answer, &fetched); err != nil {
		return "", fmt.Errorf("reading the answer of go mod download: %w", err)
	}
	upstream, err := os.ReadFile(fetched.GoMod)
	if err != nil {
		return "", err
	}
	own, err := m.goMod(upstream)
	if err != nil {
		return "", err
	}
	sums, err := os.ReadFile(filepath.Join(fetched.Dir, "go.sum"))
	if err != nil {
		return "", err
	}
	sums = append(sums, m.Sums...)
	if len(m.Raise) > 0 {
		sums = append(sums, wlif.GoSum...)
	}
	return fetched.Dir, errors.Join(
		os.WriteFile(filepath.Join(dir, "go.mod"), own, 0o600),  //nolint:gosec // G703: a folder that was made for it
		os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600)) //nolint:gosec // G703: a folder that was made for it
}

// goMod makes the go.mod of a module that builds m with exactly the dependencies,
// Go version and GODEBUG of m's own go.mod, or with later ones of the project's.
func (m Module) goMod(upstream []byte) ([]byte, error) {
	f, err := modfile.Parse(m.Path+"/go.mod", upstream, nil)
	if err != nil {
		return nil, err
	}
	if err := f.AddModuleStmt("nested.local/build"); err != nil {
		return nil, err
	}
	own, err := versions(wlif.GoMod)
	if err != nil {
		return nil, err
	}
	if err := m.raise(f, own); err != nil {
		return nil, err
	}
	if m.Edit != nil {
		if err := m.Edit(f); err != nil {
			return nil, err
		}
	}
	if err := f.AddRequire(m.Path, m.Version); err != nil {
		return nil, err
	}
	f.Cleanup()
	return f.Format()
}

// ProjectVersion is the version that the project has of one of its dependencies, or "".
func ProjectVersion(module string) string {
	own, err := versions(wlif.GoMod)
	if err != nil {
		return "" // it is the go.mod that this was built with
	}
	return own[module]
}

// versions are those of a project's dependencies, by module.
func versions(project []byte) (map[string]string, error) {
	p, err := modfile.ParseLax("go.mod", project, nil)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range p.Require {
		out[r.Mod.Path] = r.Mod.Version
	}
	return out, nil
}

// raise has f require later versions where the project has them, also of what only a
// dependency of a dependency asks for.
func (m Module) raise(f *modfile.File, project map[string]string) error {
	required := map[string]string{}
	for _, r := range f.Require {
		required[r.Mod.Path] = r.Mod.Version
	}
	for _, module := range slices.Sorted(maps.Keys(project)) {
		version := project[module]
		if semver.Compare(version, required[module]) <= 0 || !slices.ContainsFunc(m.Raise, func(prefix string) bool { return strings.HasPrefix(module, prefix) }) {
			continue
		}
		if err := f.AddRequire(module, version); err != nil {
			return err
		}
	}
	return nil
}
