package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// IndexFile is the page that lists the published reports.
const IndexFile = "README.md"

// Slot names the kind of target and the profile that a report is about. A newer
// report of the same takes its place: "mock-embedded-1.36-full".
func (r Report) Slot() string {
	minor := strings.Join(strings.SplitN(r.Target.KubernetesVersion, ".", 3)[:min(2, strings.Count(r.Target.KubernetesVersion, ".")+1)], ".")
	return strings.Join([]string{r.Target.Cloud, r.Target.Cluster, cmp.Or(minor, "unknown"), r.Run.Profile}, "-")
}

// Publish writes what of a report is worth keeping beside the code into its slot of
// dir, and the index again. The page and the journal stay in the run's folder.
func Publish(dir string, r Report) error {
	slot := filepath.Join(dir, r.Slot())
	if err := os.MkdirAll(slot, 0o755); err != nil { //nolint:gosec // G301: published reports are for everybody
		return fmt.Errorf("publishing the report: %w", err)
	}
	var failures []error
	for name, render := range map[string]func(Report) ([]byte, error){
		ConformanceFile: YAML, BadgeFile: Badge, SummaryFile: func(r Report) ([]byte, error) { return Markdown(r), nil },
	} {
		content, err := render(r)
		if err == nil {
			err = os.WriteFile(filepath.Join(slot, name), content, 0o644) //nolint:gosec // G306: published reports are for everybody
		}
		failures = append(failures, err)
	}
	index, err := Index(dir)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, IndexFile), index, 0o644) //nolint:gosec // G306: published reports are for everybody
	}
	if err := errors.Join(append(failures, err)...); err != nil {
		return fmt.Errorf("publishing the report: %w", err)
	}
	return nil
}

// Index renders the page that lists the reports published in dir.
func Index(dir string) ([]byte, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", ConformanceFile))
	if err != nil {
		return nil, fmt.Errorf("looking for reports in %s: %w", dir, err)
	}
	slices.Sort(paths)
	var out bytes.Buffer
	fmt.Fprint(&out, "# Conformance reports\n\nOne report for each kind of target that the project has run. `wlif report publish` writes this page.\n\n"+
		"| report | Kubernetes | run | tool | requirements | outcome |\n|---|---|---|---|---|---|\n")
	var commands strings.Builder
	for _, path := range paths {
		r, err := ReadYAML(path)
		if err != nil {
			return nil, err
		}
		slot := filepath.Base(filepath.Dir(path))
		fmt.Fprintf(&out, "| [%s](%s/%s) | %s | %s | %s | %s | ![%s](%s/%s) |\n", slot, slot, SummaryFile, r.Target.KubernetesVersion,
			r.Run.Started.UTC().Format("2006-01-02"), strings.TrimSpace(r.Run.Version+" "+r.Run.Commit), cell(counted(r.Requirements)),
			cell(r.Outcome.Text), slot, BadgeFile)
		fmt.Fprintf(&commands, "%s:\n\n```\n%s\n```\n\n", slot, r.Run.Reproduce)
	}
	fmt.Fprintf(&out, "\n## Reproduce\n\n%s", commands.String())
	if err := listPages(&out, dir); err != nil {
		return nil, err
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n'), nil
}

// listPages links the other pages of dir by their titles, such as that of `wlif faults`.
func listPages(out *bytes.Buffer, dir string) error {
	pages, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return err
	}
	title := "## What runs make of faults\n\n"
	for _, page := range slices.Sorted(slices.Values(pages)) {
		name := filepath.Base(page)
		if name == IndexFile {
			continue
		}
		content, err := os.ReadFile(page) //nolint:gosec // G304: a page of the folder
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(content), "\n")
		fmt.Fprintf(out, "%s- [%s](%s)\n", title, strings.TrimPrefix(first, "# "), name)
		title = ""
	}
	return nil
}

// ReadYAML reads a conformance.yaml.
func ReadYAML(path string) (Report, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // G304: a published report
	if err != nil {
		return Report{}, fmt.Errorf("reading the report: %w", err)
	}
	var tree any
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		return Report{}, fmt.Errorf("reading the report %s: %w", path, err)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return Report{}, fmt.Errorf("reading the report %s: %w", path, err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return Report{}, fmt.Errorf("reading the report %s: %w", path, err)
	}
	return r, nil
}
