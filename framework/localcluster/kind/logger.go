package kind

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/kind/pkg/exec"
	"sigs.k8s.io/kind/pkg/log"
)

// logger hands kind's own words to the engine's log.
type logger struct{ to io.Writer }

var _ log.Logger = logger{}

func (l logger) line(text string) {
	if text = strings.TrimSpace(text); text != "" {
		_, _ = fmt.Fprintln(l.to, text)
	}
}

// Warn and the rest are kind's interface.
func (l logger) Warn(text string)                  { l.line(text) }
func (l logger) Warnf(format string, args ...any)  { l.line(fmt.Sprintf(format, args...)) }
func (l logger) Error(text string)                 { l.line(text) }
func (l logger) Errorf(format string, args ...any) { l.line(fmt.Sprintf(format, args...)) }

// V gives the normal messages, and none for debugging.
func (l logger) V(level log.Level) log.InfoLogger {
	if level > 0 {
		return log.NoopInfoLogger{}
	}
	return info{l}
}

type info struct{ logger }

func (i info) Info(text string)                 { i.line(text) }
func (i info) Infof(format string, args ...any) { i.line(fmt.Sprintf(format, args...)) }
func (i info) Enabled() bool                    { return true }

// explainedLines is how much of a failed command's output an error quotes.
const explainedLines = 12

// explained adds to an error of kind's what the command that failed printed.
func explained(err error) error {
	if err == nil {
		return nil
	}
	failed := exec.RunErrorForError(err)
	if failed == nil || len(failed.Output) == 0 {
		return errors.New(err.Error()) // without kind's stack
	}
	return fmt.Errorf("%w: %s", err, tailOf(string(failed.Output), explainedLines))
}
