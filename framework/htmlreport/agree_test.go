package htmlreport

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// counts are how many requirements have which verdict.
type counts map[string]int

var (
	line = regexp.MustCompile(`(\d+) (FAIL \(SHOULD\)|[A-Z_]+)`)
	chip = regexp.MustCompile(`<b>(\d+)</b> ([A-Z_ ()]+)</a>`)
	row  = regexp.MustCompile(`<details class="req" data-id="([^"]*)" data-word="([^"]*)"`)
)

func matched(pattern *regexp.Regexp, text string) counts {
	out := counts{}
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1]) // it is made of digits
		out[m[2]] = n
	}
	return out
}

// sentence is the line "202 requirements: 11 FAIL, ...", which the summary and the
// table have; the table's may be broken.
func sentence(text string) counts {
	_, rest, _ := strings.Cut(text, " requirements: ")
	rest, _, _ = strings.Cut(rest, "\n\n")
	return matched(line, strings.Join(strings.Fields(rest), " "))
}

// ofReport counts by the requirements themselves.
func ofReport(r report.Report) counts {
	out := counts{}
	for _, q := range r.Requirements {
		out[q.Word()]++
	}
	return out
}

// ofJUnit counts the requirements of the test cases by their property verdict.
func ofJUnit(t *testing.T, text []byte) counts {
	t.Helper()
	var file struct {
		Cases []struct {
			Properties []struct {
				Name  string `xml:"name,attr"`
				Value string `xml:"value,attr"`
			} `xml:"properties>property"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]string{}
	for _, c := range file.Cases {
		has := map[string]string{}
		for _, p := range c.Properties {
			has[p.Name] = p.Value
		}
		if verdicts[has["id"]] = has["verdict"]; has["verdict"] == "FAIL" && has["level"] == "SHOULD" {
			verdicts[has["id"]] = "FAIL (SHOULD)"
		}
	}
	out := counts{}
	for _, v := range verdicts {
		out[v]++
	}
	return out
}

// TestAllFilesAgree: every report file of one run has the same counts.
func TestAllFilesAgree(t *testing.T) {
	dir := t.TempDir()
	records := aRun(true)
	made := report.Build(records, nil)
	if err := report.Write(dir, made); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, made, records, "", nil); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range []string{report.JUnitFile, report.SummaryFile, File} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	asJSON, err := report.Read(filepath.Join(dir, report.JSONFile))
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := report.ReadYAML(filepath.Join(dir, report.ConformanceFile))
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := report.Table(&table, made, false); err != nil {
		t.Fatal(err)
	}
	rows := counts{}
	for _, m := range row.FindAllStringSubmatch(string(files[File]), -1) {
		rows[m[2]]++
	}
	profile := counts{}
	for v, n := range asYAML.Profiles[0].Counts {
		profile[string(v)] = n
	}
	want := ofReport(made)
	if want["FAIL"] != 1 || want["PASS"] < 100 {
		t.Fatalf("the run has %v", want)
	}
	for name, got := range map[string]counts{
		"report.json": ofReport(asJSON), "conformance.yaml": ofReport(asYAML), "counts of the profile": profile, "junit.xml": ofJUnit(t, files[report.JUnitFile]),
		"summary.md": sentence(string(files[report.SummaryFile])), "the table": sentence(table.String()),
		"chips of report.html": matched(chip, string(files[File])), "rows of report.html": rows,
	} {
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		for word, n := range want {
			if got[word] != n {
				t.Errorf("%s has %d %s, want %d", name, got[word], word, n)
			}
		}
	}
}
