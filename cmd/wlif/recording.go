package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// recording is what a run observed: everything by requirement and case, and the rows of
// the mock's table of guesses that follow from it.
type recording struct {
	Observed map[string]map[string]map[string]any `json:"observed"`
	Guesses  settings.Guesses                     `json:"guesses"`
}

// writeRecording writes what a run observed into a file.
func writeRecording(file string, r report.Report) error {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644) //nolint:gosec // G302, G304: the user named it, to give it to others; it has no secret
	if err != nil {
		return fmt.Errorf("writing the recording: %w", err)
	}
	return errors.Join(printFacts(out, r), out.Close())
}

func readRecording(file string) (recording, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // G304: the user's own file
	if err != nil {
		return recording{}, err
	}
	var r recording
	if err := yaml.UnmarshalStrict(raw, &r); err != nil {
		return recording{}, fmt.Errorf("%s is not what `wlif run --record` writes: %w", file, err)
	}
	if len(r.Observed) == 0 {
		return recording{}, fmt.Errorf("%s records nothing", file)
	}
	return r, nil
}

// difference is one behaviour in which a recording and a mock are not alike.
type difference struct{ name, recorded, mock string }

// compared is what came of comparing a recording with a mock's settings.
type compared struct {
	alike     int
	different []difference
	// others are requirements of the recording for which the mock has no row.
	others []string
}

// compare sets a recording beside settings. An answer's text counts too: it is what a
// client shows.
func (r recording) compare(set settings.Settings) (compared, error) {
	var c compared
	for _, name := range slices.Sorted(maps.Keys(r.Guesses)) {
		mock, ok := set.Guesses[name]
		if !ok {
			return c, fmt.Errorf("the mock has no row %s: the recording is of another version", name)
		}
		c.add(name, r.Guesses[name].String(), mock.String())
	}
	for _, id := range slices.Sorted(maps.Keys(r.Observed)) {
		if of, ok := settingOf[id]; ok {
			for _, name := range slices.Sorted(maps.Keys(r.Observed[id])) {
				for _, noted := range slices.Sorted(maps.Keys(r.Observed[id][name])) {
					if mock, ok := of(set, noted); ok {
						// What a refusal looks like is the table's affair.
						recorded, _, _ := strings.Cut(fmt.Sprint(r.Observed[id][name][noted]), " ")
						c.add(id+" ["+noted+"]", recorded, mock)
					}
				}
			}
			continue
		}
		if _, ok := r.Guesses[guessOf[id]]; !ok {
			c.others = append(c.others, id)
		}
	}
	return c, nil
}

func (c *compared) add(name, recorded, mock string) {
	if recorded == mock {
		c.alike++
		return
	}
	c.different = append(c.different, difference{name, recorded, mock})
}

// settingOf says, of observations that settings decide, what a mock with these would do.
var settingOf = map[string]func(set settings.Settings, noted string) (outcome string, ok bool){
	conformance.ExchangeAlgorithms: func(set settings.Settings, algorithm string) (string, bool) {
		return outcome(slices.Contains(set.JWKS.Algorithms, algorithm)), true
	},
	conformance.ExchangeJWKSRedirect: func(set settings.Settings, noted string) (string, bool) {
		return outcome(set.JWKS.Redirects != settings.RedirectsNever), noted == check.ObservedOutcome
	},
}

func outcome(accepted bool) string {
	if accepted {
		return check.OutcomeAccepted
	}
	return check.OutcomeRefused
}

// verifyRecording prints where a mock with these settings differs from a recording.
func verifyRecording(out io.Writer, file string, set settings.Settings) error {
	r, err := readRecording(file)
	if err != nil {
		return usageError(err)
	}
	c, err := r.compare(set)
	if err != nil {
		return usageError(err)
	}
	var text strings.Builder
	for _, d := range c.different {
		fmt.Fprintf(&text, "%s\n  recorded  %s\n  the mock  %s\n", d.name, d.recorded, d.mock)
	}
	fmt.Fprintf(&text, "%d of %d recorded behaviours are not the mock's.\n", len(c.different), len(c.different)+c.alike)
	if len(c.others) > 0 {
		fmt.Fprintf(&text, "Observed, and nothing that the mock has a row for: %s.\n", strings.Join(c.others, ", "))
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return err
	}
	if len(c.different) > 0 {
		return finished(report.ExitFailed)
	}
	return nil
}

// placeholders replace ids of the cloud by names that are the same in every recording.
type placeholders map[string]string

func (p placeholders) in(text string) string {
	return anID.ReplaceAllStringFunc(text, func(id string) string {
		p[id] = cmp.Or(p[id], fmt.Sprintf("ID-%d", len(p)+1))
		return p[id]
	})
}
