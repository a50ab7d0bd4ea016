package report

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// junitSuites is the root that every reader of JUnit's files knows.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Time     string       `xml:"time,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	Name       string          `xml:"name,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Time       string          `xml:"time,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class string `xml:"classname,attr"`
	Name  string `xml:"name,attr"`
	Time  string `xml:"time,attr"`
	// File is what GitLab and GitHub link to.
	File       string          `xml:"file,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Failure    *junitReason    `xml:"failure,omitempty"`
	Error      *junitReason    `xml:"error,omitempty"`
	Skipped    *junitReason    `xml:"skipped,omitempty"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	// Text is what GitLab shows; Jenkins and GitHub show the message.
	Text string `xml:",chardata"`
}

// JUnit renders one test case for each case of each requirement (or one for a
// requirement that has none). A breach of a SHOULD is a skipped test with its
// reason: JUnit knows no warnings, and it must not fail a build.
func JUnit(r Report) ([]byte, error) {
	suite := junitSuite{
		Name:      "wlif-conformance " + r.Run.Profile,
		Timestamp: r.Run.Started.UTC().Format(time.RFC3339),
		Time:      seconds(r.Run.Duration),
		Properties: []junitProperty{
			{"run", r.Run.ID}, {"tool", strings.TrimSpace(r.Run.Version + " " + r.Run.Commit)}, {"cloud", r.Target.Cloud},
			{"cluster", r.Target.Cluster}, {"kubernetes", r.Target.KubernetesVersion}, {"outcome", r.Outcome.Text},
		},
	}
	for _, requirement := range r.Requirements {
		cases := requirement.Cases
		if len(cases) == 0 {
			cases = []Case{{Verdict: requirement.Verdict, Reason: requirement.Reason}}
		}
		for _, c := range cases {
			suite.add(requirement, c)
		}
	}
	out := bytes.NewBufferString(xml.Header)
	encoder := xml.NewEncoder(out)
	encoder.Indent("", "  ")
	all := junitSuites{
		Name: suite.Name, Time: suite.Time, Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Skipped: suite.Skipped, Suites: []junitSuite{suite},
	}
	if err := encoder.Encode(all); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func (s *junitSuite) add(r Requirement, c Case) {
	area, _, _ := strings.Cut(r.ID, "/")
	test := junitCase{Class: area, Name: r.ID, Time: seconds(c.Duration)}
	if c.Name != "" {
		test.Name += " [" + c.Name + "]"
	}
	test.File, _, _ = strings.Cut(c.Location, ":")
	test.Properties = []junitProperty{{"id", r.ID}, {"level", string(r.Level)}, {"severity", string(r.Severity)}, {"verdict", string(r.Verdict)}}
	for _, s := range r.Sources {
		test.Properties = append(test.Properties, junitProperty{"source", s.String() + " " + s.URL})
	}
	reason := &junitReason{Message: cmp.Or(c.Reason, string(c.Verdict)), Type: string(c.Verdict)}
	reason.Text = reason.Message
	if c.Verdict == conformance.Fail && r.Remediation != "" {
		reason.Text += "\nWhat to do: " + r.Remediation
	}
	switch {
	case c.Verdict == conformance.Fail && r.Level == conformance.Must:
		test.Failure = reason
		s.Failures++
	case c.Verdict == conformance.Error:
		test.Error = reason
		s.Errors++
	case c.Verdict == conformance.Fail, c.Verdict == conformance.Skipped, c.Verdict == conformance.NotSupported:
		test.Skipped = reason
		s.Skipped++
	}
	s.Tests++
	s.Cases = append(s.Cases, test)
}

func seconds(d Duration) string { return fmt.Sprintf("%.3f", time.Duration(d).Seconds()) }
