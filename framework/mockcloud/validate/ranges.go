package validate

import (
	"strconv"
	"strings"
)

// within says whether n is in a range as the descriptors write it: "1-100",
// "<=64", "<64", ">0", ">=1", "10", or a list "0,3,5-7". What it cannot read
// (durations, timestamps) and "" hold everything.
func within(ranges string, n int64) bool {
	if ranges == "" {
		return true
	}
	for part := range strings.SplitSeq(ranges, ",") {
		if in, ok := inPart(strings.TrimSpace(part), n); in || !ok {
			return true
		}
	}
	return false
}

func inPart(part string, n int64) (in, readable bool) {
	for _, op := range []struct {
		sign string
		test func(a, b int64) bool
	}{
		{"<=", func(a, b int64) bool { return a <= b }},
		{">=", func(a, b int64) bool { return a >= b }},
		{"<", func(a, b int64) bool { return a < b }},
		{">", func(a, b int64) bool { return a > b }},
	} {
		if rest, ok := strings.CutPrefix(part, op.sign); ok {
			bound, err := strconv.ParseInt(rest, 10, 64)
			return err == nil && op.test(n, bound), err == nil
		}
	}
	// A leading minus is a sign, so the dash of a range is looked for after it.
	if i := strings.IndexByte(part[min(1, len(part)):], '-'); i >= 0 {
		low, err1 := strconv.ParseInt(part[:i+1], 10, 64)
		high, err2 := strconv.ParseInt(part[i+2:], 10, 64)
		ok := err1 == nil && err2 == nil
		return ok && low <= n && n <= high, ok
	}
	exact, err := strconv.ParseInt(part, 10, 64)
	return err == nil && n == exact, err == nil
}
