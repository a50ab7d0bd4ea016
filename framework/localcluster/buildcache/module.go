package buildcache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
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
	// Raise has dependencies that the project has in a later version raised to that. They
	// need not be compiled twice.
	Raise bool
	// Same are dependencies (patterns of path.Match, or prefixes that end with a slash)
	// that are taken in the project's version, be it later or earlier, for the same reason.
	Same []string
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
	if m.Raise || len(m.Same) > 0 {
		sums = append(sums, wlif.GoSum...)
	}
	return fetched.Dir, errors.Join(
		os.WriteFile(filepath.Join(dir, "go.mod"), own, 0o600),  //nolint:gosec // G703: a folder that was made for it
		os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600)) //nolint:gosec // G703: a folder that was made for it
}

// goMod makes the go.mod of a module that builds m with exactly the dependencies,
// Go version and GODEBUG of m's own go.mod, or with the project's.
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
	if m.Raise {
		if err := raise(f, own); err != nil {
			return nil, err
		}
	}
	if m.Edit != nil {
		if err := m.Edit(f); err != nil {
			return nil, err
		}
	}
	if err := m.same(f, own); err != nil {
		return nil, err
	}
	if err := f.AddRequire(m.Path, m.Version); err != nil {
		return nil, err
	}
	f.Cleanup()
	return f.Format()
}

// versions are those of a project's dependencies, by module: what it requires, or replaces
// that by.
func versions(project []byte) (map[string]string, error) {
	p, err := modfile.Parse("go.mod", project, nil)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range p.Require {
		out[r.Mod.Path] = r.Mod.Version
	}
	for _, r := range p.Replace {
		if r.New.Path == r.Old.Path {
			out[r.Old.Path] = r.New.Version
		}
	}
	return out, nil
}

// raise has f require later versions where the project has them.
func raise(f *modfile.File, project map[string]string) error {
	for _, r := range f.Require {
		if version := project[r.Mod.Path]; semver.Compare(version, r.Mod.Version) > 0 {
			if err := f.AddRequire(r.Mod.Path, version); err != nil {
				return err
			}
		}
	}
	return nil
}

// same replaces dependencies by the project's.
func (m Module) same(f *modfile.File, project map[string]string) error {
	for module, version := range project {
		if !slices.ContainsFunc(m.Same, func(pattern string) bool {
			matches, err := path.Match(pattern, module)
			return err == nil && matches || strings.HasSuffix(pattern, "/") && strings.HasPrefix(module, pattern)
		}) {
			continue
		}
		// A dependency of a dependency may ask for another version.
		if err := f.AddReplace(module, "", module, version); err != nil {
			return err
		}
	}
	return nil
}
