package htmlreport

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// File is the page's name in a run's folder.
const File = "report.html"

// Write writes the page of a run into its folder, mode 0600. previous is the folder
// of the run to compare with; empty means the latest earlier one beside it that
// tested the same kind of target by the same profile, if there is one. proofs are
// those of Input.
func Write(dir string, r report.Report, records []journal.Record, previous string, proofs map[string][]Bug) error {
	dir = filepath.Clean(dir)
	in := Input{Report: r, Records: records, Proofs: proofs, File: func(name string) (string, error) {
		if filepath.IsAbs(name) {
			below, err := filepath.Rel(dir, name)
			if err != nil {
				return "", err
			}
			name = below
		}
		if !filepath.IsLocal(name) {
			return "", fmt.Errorf("%s is no file of the run", filepath.Base(name))
		}
		text, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // G304: a file of the run's own folder
		return string(text), err
	}}
	var err error
	if in.Previous, err = earlier(dir, r, previous); err != nil {
		return err
	}
	content, err := Render(in)
	if err != nil {
		return err
	}
	if err := report.Replace(filepath.Join(dir, File), content); err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	return nil
}

// earlier finds the report to compare with. One that was named must be there.
func earlier(dir string, r report.Report, named string) (*report.Report, error) {
	if named != "" {
		found, err := report.Read(filepath.Join(named, report.JSONFile))
		if err != nil {
			return nil, err
		}
		return &found, nil
	}
	paths, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*", report.JSONFile))
	if err != nil {
		return nil, fmt.Errorf("looking for the run before: %w", err)
	}
	// Folders are named after their time.
	slices.SortFunc(paths, func(a, b string) int { return cmp.Compare(b, a) })
	for _, path := range paths {
		folder := filepath.Dir(path)
		if strings.Compare(filepath.Base(folder), filepath.Base(dir)) >= 0 {
			continue
		}
		// One that cannot be read is of another version, and no reason to fail.
		found, err := report.Read(path)
		if err == nil && found.Comparable(r) {
			return &found, nil
		}
	}
	return nil, nil
}
