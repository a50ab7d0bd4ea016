package config

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

func lookup(name string) (Key, bool) {
	for _, k := range table {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}

func isKey(name string) bool { _, ok := lookup(name); return ok }

func keyNames() []string {
	names := make([]string, len(table))
	for i, k := range table {
		names[i] = k.Name
	}
	return names
}

// isLevel reports whether keys exist below name ("timeout").
func isLevel(name string) bool {
	for _, k := range table {
		if strings.HasPrefix(k.Name, name+".") {
			return true
		}
	}
	return false
}

func unknown(name, source string, known []string) Problem {
	p := Problem{Key: name, Message: "unknown (" + source + ")"}
	if n := Nearest(name, known); n != "" {
		p.Message += "; did you mean " + n + "?"
	}
	return p
}

// FlagError turns pflag's error about an unknown flag into an *Error that names
// the nearest known one; other errors become an *Error with their own text.
// It is what cobra's SetFlagErrorFunc wants.
func FlagError(fs *pflag.FlagSet, err error) error {
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) || missing.GetSpecifiedShortnames() != "" {
		return &Error{Problems: []Problem{{Key: "flags", Message: err.Error()}}}
	}
	var names []string
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return &Error{Problems: []Problem{unknown("--"+missing.GetSpecifiedName(), "flag", names)}}
}

// Nearest returns the known name that is fewest edits away from name, or "" if
// all are so far away that naming one would mislead (more than a third of it).
func Nearest(name string, known []string) string {
	best, bestDistance := "", len(name)/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two strings, in bytes: names are ASCII.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost = 1 + min(previous, row[j], row[j+1])
			}
			previous, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
