package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	// The ordered node tree keeps conformance.yaml in the order of the structs;
	// sigs.k8s.io/yaml would sort the keys.
	"go.yaml.in/yaml/v3"
)

// Names of the report files in a run's folder.
const (
	ConformanceFile = "conformance.yaml"
	JSONFile        = "report.json"
	JUnitFile       = "junit.xml"
	SummaryFile     = "summary.md"
	BadgeFile       = "badge.svg"
)

// Write writes all report files into dir, mode 0600, each of them complete or
// not at all. One that cannot be written does not keep the others from it.
func Write(dir string, r Report) error {
	var failures []error
	for name, render := range map[string]func(Report) ([]byte, error){
		ConformanceFile: YAML,
		JSONFile:        JSON,
		JUnitFile:       JUnit,
		BadgeFile:       Badge,
		SummaryFile:     func(r Report) ([]byte, error) { return Markdown(r), nil },
	} {
		content, err := render(r)
		if err == nil {
			err = Replace(filepath.Join(dir, name), content)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("writing the report %s: %w", name, err))
		}
	}
	return errors.Join(failures...)
}

// Read reads the JSON report of a run.
func Read(path string) (Report, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // G304: the report that the user names
	if err != nil {
		return Report{}, fmt.Errorf("reading the report: %w", err)
	}
	var r Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return Report{}, fmt.Errorf("reading the report %s: %w", path, err)
	}
	return r, nil
}

// Replace writes a file, mode 0600, beside the one that may be there and renames
// it, so that nobody reads half of it.
func Replace(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// JSON renders the report as indented JSON.
func JSON(r Report) ([]byte, error) {
	out, err := json.MarshalIndent(r, "", "  ")
	return append(out, '\n'), err
}

// YAML renders the report in the order of its fields.
func YAML(r Report) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	// JSON is YAML in flow style; without the style it is ordinary YAML.
	var tree yaml.Node
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	plain(&tree)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&tree); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

func plain(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		plain(child)
	}
}
