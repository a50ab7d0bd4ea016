package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

// isTerminal says whether out is a terminal that can redraw a line.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
}

// colourful says whether out may be coloured (https://no-color.org).
func colourful(out io.Writer) bool { return isTerminal(out) && os.Getenv("NO_COLOR") == "" }

// remindEvery is how often a console that is no terminal says what it waits for.
const remindEvery = 30 * time.Second

// console shows the progress of a run: a line for everything that ended, and on a
// terminal one more that is redrawn with what is being waited for, since when,
// and out of how long usually. It is safe for concurrent use.
type console struct {
	out      io.Writer
	redactor *redact.Redactor
	terminal bool
	colour   bool
	width    func() int

	mu       sync.Mutex
	waiting  []wait
	drawn    bool
	reminded time.Time
}

// wait is something that has begun and not ended.
type wait struct {
	key, text string
	since     time.Time
	usual     time.Duration
	// detail is the latest word about it.
	detail string
}

func newConsole(out io.Writer, redactor *redact.Redactor) *console {
	c := &console{out: out, redactor: redactor, terminal: isTerminal(out), colour: colourful(out), reminded: time.Now()}
	c.width = func() int { return 80 }
	if file, ok := out.(*os.File); ok && c.terminal {
		c.width = func() int {
			if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 20 {
				return width
			}
			return 80
		}
	}
	return c
}

// say prints a line.
func (c *console) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.print(fmt.Sprintf(format, args...))
}

func (c *console) print(text string) {
	c.erase()
	// A closed standard output must not end a run that still has to clean up.
	_, _ = fmt.Fprintln(c.out, c.redactor.String(text))
}

func (c *console) erase() {
	if c.drawn {
		_, _ = io.WriteString(c.out, "\r\x1b[K")
		c.drawn = false
	}
}

// begin and end bracket something that is waited for.
func (c *console) begin(key, text string, since time.Time, usual time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(key)
	c.waiting = append(c.waiting, wait{key: key, text: text, since: since, usual: usual})
}

func (c *console) end(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(key)
}

func (c *console) remove(key string) {
	c.waiting = slices.DeleteFunc(c.waiting, func(w wait) bool { return w.key == key })
}

// detail notes the latest word about what is waited for, and reports whether its
// kind, which is what comes before the first comma, is new.
func (c *console) detail(key, text string) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind, _, _ := strings.Cut(text, ",")
	for i := range c.waiting {
		if c.waiting[i].key == key {
			first = !strings.HasPrefix(c.waiting[i].detail, kind)
			c.waiting[i].detail = text
		}
	}
	return first
}

// tick redraws what is waited for, or reminds of it now and then.
func (c *console) tick(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.erase()
		return
	}
	var parts []string
	for _, w := range c.waiting {
		parts = append(parts, w.describe(now))
	}
	text := c.redactor.String(strings.Join(parts, ", "))
	if c.terminal {
		if room := c.width() - 1; len([]rune(text)) > room {
			text = string([]rune(text)[:room-1]) + "…"
		}
		_, _ = io.WriteString(c.out, "\r\x1b[K"+text)
		c.drawn = true
		return
	}
	if now.Sub(c.reminded) >= remindEvery {
		c.reminded = now
		c.print("... " + text)
	}
}

func (w wait) describe(now time.Time) string {
	text := fmt.Sprintf("%s %s", w.text, now.Sub(w.since).Round(time.Second))
	if w.usual > 0 {
		text += fmt.Sprintf(" (usually %s)", w.usual.Round(time.Second))
	}
	if w.detail != "" {
		text += ": " + w.detail
	}
	return text
}

var phaseWords = map[journal.Phase][2]string{
	journal.Create: {"creating", "created"},
	journal.LookUp: {"looking up", "found"},
	journal.Delete: {"deleting", "deleted"},
}

// event shows one event of the journal.
func (c *console) event(r journal.Record) {
	switch e := r.Event.(type) {
	case journal.NodeStarted:
		c.begin(string(e.Phase)+e.Node, phaseWords[e.Phase][0]+" "+e.Node, r.Time, e.Usual)
	case journal.NodeWaiting:
		first := c.detail(string(e.Phase)+e.Node, e.Text)
		if first && !c.terminal && strings.HasPrefix(e.Text, provision.WaitsForRights) {
			c.say("%s %s: %s", phaseWords[e.Phase][0], e.Node, e.Text)
		}
	case journal.NodeFinished:
		c.end(string(e.Phase) + e.Node)
		if e.Error != "" {
			c.say("%s %s failed after %s: %s", phaseWords[e.Phase][0], e.Node, e.Duration.Round(time.Millisecond), e.Error)
			return
		}
		c.say("%s (%s)", strings.TrimSpace(phaseWords[e.Phase][1]+" "+e.Node+" "+e.ID), e.Duration.Round(time.Millisecond))
	case journal.CheckStarted:
		c.begin(e.Requirement, e.Requirement, r.Time, 0)
	case journal.Step:
		c.detail(e.Requirement, e.Text)
	case journal.Verdict:
		c.end(e.Requirement)
		c.verdict(e)
	case journal.Problem:
		c.say("%s: %s", e.Where, e.Reason)
	case journal.ResourceLeft:
		c.say("left behind: %s %s %s %s", e.Type, e.ID, e.Name, e.Reason)
	case journal.Log:
		c.say("%s", e.Text)
	}
}

// verdict prints a verdict. What was left out by choice is for the report only:
// it may be most of the catalogue.
func (c *console) verdict(v journal.Verdict) {
	if v.Verdict == conformance.Skipped && v.ByChoice {
		return
	}
	word := string(v.Verdict)
	if c.colour && v.Verdict == conformance.Pass {
		word = "\x1b[32m" + word + "\x1b[0m"
	} else if c.colour {
		word = "\x1b[33m" + word + "\x1b[0m"
	}
	text := fmt.Sprintf("%s %s: %s (%s)", word, v.Requirement, v.Case, v.Duration.Round(time.Millisecond))
	if v.Reason != "" {
		text += ": " + v.Reason
	}
	c.say("%s", text)
}

// redrawEvery is how often a followed journal is looked at.
const redrawEvery = 200 * time.Millisecond

// follow shows a journal until stop is called, which shows the rest of it.
func (c *console) follow(follower *journal.Follower) (stop func()) {
	show := func() {
		// The journal's own troubles are reported at the end of the run.
		records, _ := follower.Next()
		for _, r := range records {
			c.event(r)
		}
		c.tick(time.Now())
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(redrawEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				show()
			case <-done:
				show()
				c.mu.Lock()
				c.erase()
				c.waiting = nil
				c.mu.Unlock()
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		<-ended
	})
}
