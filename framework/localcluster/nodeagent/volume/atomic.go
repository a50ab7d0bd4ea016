package volume

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is a file of a volume.
type File struct {
	Content []byte
	Mode    os.FileMode
}

const (
	dataLink    = "..data"
	newDataLink = "..data_tmp"
)

// Write makes dir hold exactly files, by relative path. A reader sees either all old
// or all new ones: they are in a folder of their own, which the link ..data names, as
// in the kubelet's volumes; programs watch that link.
func Write(dir string, files map[string]File) error {
	for path := range files {
		if !filepath.IsLocal(path) || strings.HasPrefix(path, "..") {
			return fmt.Errorf("a volume cannot have a file %q", path)
		}
	}
	former, err := os.Readlink(filepath.Join(dir, dataLink))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if former != "" && same(filepath.Join(dir, former), files) {
		return nil
	}
	fresh, err := os.MkdirTemp(dir, "..")
	if err != nil {
		return err
	}
	if err := writeAll(fresh, files); err != nil {
		return err
	}
	link := filepath.Join(dir, newDataLink)
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(filepath.Base(fresh), link); err != nil {
		return err
	}
	if err := os.Rename(link, filepath.Join(dir, dataLink)); err != nil {
		return err
	}
	if err := showTopLevel(dir, files); err != nil {
		return err
	}
	if former == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, former))
}

func writeAll(dir string, files map[string]File) error {
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // G302: a volume is read by any user of a pod
		return err
	}
	for path, file := range files {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil { //nolint:gosec // G301: a volume is read by any user of a pod
			return err
		}
		if err := os.WriteFile(full, file.Content, 0o600); err != nil {
			return err
		}
		// Not with WriteFile: the umask would take its part.
		if err := os.Chmod(full, file.Mode); err != nil {
			return err
		}
	}
	return nil
}

// showTopLevel links every top-level name to its place behind ..data and removes
// the links of names that are gone.
func showTopLevel(dir string, files map[string]File) error {
	var names []string
	for path := range files {
		name, _, _ := strings.Cut(path, "/")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		err := os.Symlink(filepath.Join(dataLink, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "..") && !slices.Contains(names, entry.Name()) {
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// same compares what is there with what should be.
func same(dir string, files map[string]File) bool {
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		want, ok := files[relative]
		if !ok {
			return fs.ErrExist
		}
		got, err := os.ReadFile(path) //nolint:gosec // G304, G122: a volume of the agent's own
		if err != nil {
			return err
		}
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != want.Mode.Perm() || !bytes.Equal(got, want.Content) {
			return fs.ErrInvalid
		}
		seen++
		return nil
	})
	return err == nil && seen == len(files)
}
