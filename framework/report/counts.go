package report

import (
	"fmt"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// Count is how many requirements have a verdict.
type Count struct {
	// Word is the verdict as Requirement.Word has it.
	Word string
	N    int
}

// words are verdicts in the order in which a reader looks for them.
var words = []string{
	string(conformance.Fail), warning, string(conformance.Error), string(conformance.Pass), string(conformance.Recorded),
	string(conformance.Skipped), string(conformance.NotSupported),
}

// Tally counts verdicts, without those that nothing has.
func Tally(list []Requirement) []Count {
	var out []Count
	for _, word := range words {
		c := Count{Word: word}
		for _, q := range list {
			if q.Word() == word {
				c.N++
			}
		}
		if c.N > 0 {
			out = append(out, c)
		}
	}
	return out
}

// counted says how many requirements have which verdict: "1 FAIL, 12 PASS".
func counted(list []Requirement) string {
	var parts []string
	for _, c := range Tally(list) {
		parts = append(parts, fmt.Sprintf("%d %s", c.N, c.Word))
	}
	return strings.Join(parts, ", ")
}
