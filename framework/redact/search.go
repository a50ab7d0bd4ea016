package redact

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Hit is a secret in a file.
type Hit struct {
	// Path is the file's; Line counts from 1.
	Path string
	Line int
	// Name is the secret's, or says what it looks like ("JWT"). The secret itself is
	// not told.
	Name string
}

// String names the place.
func (h Hit) String() string { return fmt.Sprintf("%s:%d (%s)", h.Path, h.Line, h.Name) }

// Find names the secrets in a text, each once, in order.
func (r *Redactor) Find(text string) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	r.mu.RLock()
	for _, f := range r.forms {
		if strings.Contains(text, f.text) {
			add(f.name)
		}
	}
	r.mu.RUnlock()
	for _, p := range patterns {
		if p.possible(text) && p.re.MatchString(text) {
			add(p.name)
		}
	}
	slices.Sort(names)
	return names
}

// Search looks through files and folders, whole, for what String would take out.
// A path that is not there is skipped.
func (r *Redactor) Search(paths ...string) ([]Hit, error) {
	var hits []Hit
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case os.IsNotExist(err):
				return nil
			case err != nil:
				return err
			case !d.Type().IsRegular():
				return nil
			}
			raw, err := os.ReadFile(path) //nolint:gosec // G304, G122: the run's own files, of which regular ones are read
			if err != nil {
				return err
			}
			hits = append(hits, r.searchFile(path, string(raw))...)
			return nil
		})
		if err != nil {
			return hits, fmt.Errorf("searching %s for secrets: %w", root, err)
		}
	}
	return hits, nil
}

// searchFile looks at a file as a whole first, because a key has many lines.
func (r *Redactor) searchFile(path, text string) []Hit {
	found := r.Find(text)
	if len(found) == 0 {
		return nil
	}
	var hits []Hit
	for n, line := range strings.Split(text, "\n") {
		for _, name := range r.Find(line) {
			found = slices.DeleteFunc(found, func(have string) bool { return have == name })
			hits = append(hits, Hit{Path: path, Line: n + 1, Name: name})
		}
	}
	for _, name := range found { // only in several lines together
		hits = append(hits, Hit{Path: path, Line: 1, Name: name})
	}
	return hits
}
