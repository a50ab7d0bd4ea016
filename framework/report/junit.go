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
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitReason `xml:"failure,omitempty"`
	Error   *junitReason `xml:"error,omitempty"`
	Skipped *junitReason `xml:"skipped,omitempty"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
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
	if err := encoder.Encode(suite); err != nil {
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
	reason := &junitReason{cmp.Or(c.Reason, string(c.Verdict)), string(c.Verdict)}
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
