package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	// Key is the key's name ("timeout.cluster_create"), or what stood in its place.
	Key string
	// Value is what was given; secrets are "[redacted]".
	Value string
	// Source says where it came from: `flag --zone`, `environment variable
	// WLIF_ZONE`, `file conf.yaml`, `default`. Empty if no value was given at all.
	Source string
	// Message says what is wrong and what to do.
	Message string
	// Allowed lists the values that would do, if they can be listed.
	Allowed []string
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Key)
	if p.Source != "" {
		fmt.Fprintf(&b, " = %q (%s)", p.Value, p.Source)
	}
	b.WriteString(": " + p.Message)
	if len(p.Allowed) > 0 {
		b.WriteString("; allowed: " + strings.Join(p.Allowed, ", "))
	}
	return b.String()
}

// Error is wrong usage: every problem that was found, in the order of the key
// table. Nothing was created when it is returned.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "configuration: " + e.Problems[0].String()
	}
	lines := make([]string, 0, len(e.Problems)+1)
	lines = append(lines, fmt.Sprintf("configuration: %d problems", len(e.Problems)))
	for _, p := range e.Problems {
		lines = append(lines, "  - "+p.String())
	}
	return strings.Join(lines, "\n")
}

// ExitCode is the exit code of wrong usage.
func (e *Error) ExitCode() int { return 2 }
