package nodeagent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// containerLog is a container's output over all its starts: one file, a line of
// which is TIME TEXT. followers are told of every line.
type containerLog struct {
	path string

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	started int64         // where the present start begins in the file
	former  int64         // where the start before it begins
	ended   bool
}

// output is one start's two streams.
type output struct {
	log            *containerLog
	file           *os.File
	stdout, stderr io.Writer
	both           []*lineWriter
}

// open begins another start.
func (l *containerLog) open() (*output, error) {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	l.mu.Lock()
	l.former, l.started, l.ended = l.started, info.Size(), false
	l.mu.Unlock()
	o := &output{log: l, file: file}
	stdout, stderr := &lineWriter{output: o}, &lineWriter{output: o}
	o.stdout, o.stderr, o.both = stdout, stderr, []*lineWriter{stdout, stderr}
	return o, nil
}

// close ends this start; what has no newline yet becomes a line.
func (o *output) close() {
	for _, w := range o.both {
		w.flush()
	}
	o.log.mu.Lock()
	o.log.ended = true
	o.log.mu.Unlock()
	o.log.tell()
	_ = o.file.Close()
}

// tell wakes the followers.
func (l *containerLog) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// wake is closed at the next change.
func (l *containerLog) wake() (change <-chan struct{}, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed, l.ended
}

// longestLine is where a line without an end is cut, as the CRI's runtimes do.
const longestLine = 16 << 10

// lineWriter puts the time before each line.
type lineWriter struct {
	output *output
	mu     sync.Mutex
	rest   []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		end := strings.IndexByte(string(w.rest), '\n')
		if end < 0 && len(w.rest) < longestLine {
			return len(p), nil
		}
		if end < 0 {
			end = len(w.rest)
		}
		if err := w.line(w.rest[:end]); err != nil {
			return 0, err
		}
		w.rest = w.rest[min(end+1, len(w.rest)):]
	}
}

func (w *lineWriter) line(text []byte) error {
	line := append([]byte(time.Now().UTC().Format(time.RFC3339Nano)+" "), text...)
	if _, err := w.output.file.Write(append(line, '\n')); err != nil {
		return err
	}
	w.output.log.tell()
	return nil
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		_ = w.line(w.rest)
		w.rest = nil
	}
}

// logOptions are those of the kubelet's containerLogs (corev1.PodLogOptions).
type logOptions struct {
	follow, previous, timestamps bool
	tail                         int64 // -1: all
	limit                        int64 // bytes; -1: all
	since                        time.Time
}

// parseLogOptions refuses what it does not understand.
func parseLogOptions(query url.Values, now time.Time) (logOptions, error) {
	o := logOptions{tail: -1, limit: -1}
	for key := range query {
		value := query.Get(key)
		var err error
		switch key {
		case "follow":
			o.follow, err = strconv.ParseBool(value)
		case "previous":
			o.previous, err = strconv.ParseBool(value)
		case "timestamps":
			o.timestamps, err = strconv.ParseBool(value)
		case "tailLines":
			o.tail, err = parseCount(value)
		case "limitBytes":
			o.limit, err = parseCount(value)
		case "sinceSeconds":
			var seconds int64
			seconds, err = parseCount(value)
			o.since = now.Add(-time.Duration(seconds) * time.Second)
		case "sinceTime":
			o.since, err = time.Parse(time.RFC3339, value)
		case "stream":
			if value != "All" {
				err = errors.New("the streams are not kept apart here")
			}
		case "insecureSkipTLSVerifyBackend", "pretty", "container":
		default:
			err = errors.New("unknown option")
		}
		if err != nil {
			return o, fmt.Errorf("log option %s=%q: %w", key, value, err)
		}
	}
	return o, nil
}

func parseCount(value string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err == nil && n < 0 {
		err = errors.New("it is negative")
	}
	return n, err
}

// copyTo writes the log of the present start, or the one before it, to out; with
// follow until the container ends or ctx does.
func (l *containerLog) copyTo(ctx context.Context, out io.Writer, o logOptions) error {
	file, err := os.Open(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	l.mu.Lock()
	from, to := l.started, int64(-1)
	if o.previous {
		from, to = l.former, l.started
	}
	l.mu.Unlock()
	c := &logCopy{options: o, out: out, at: from, file: file, left: o.limit}
	if o.tail >= 0 {
		if c.at, err = c.tailFrom(to); err != nil {
			return err
		}
	}
	for {
		change, ended := l.wake()
		if err := c.lines(to); err != nil || c.left == 0 {
			return err
		}
		if !o.follow || o.previous || ended {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return nil
		}
	}
}

// logCopy is a log being read.
type logCopy struct {
	options logOptions
	out     io.Writer
	file    *os.File
	at      int64 // where the next line begins
	left    int64 // bytes that may still be written; -1: any
}

// lines copies whole lines up to the offset to, or the end of the file.
func (c *logCopy) lines(to int64) error {
	return c.each(to, func(line string) error {
		stamp, _, ok := strings.Cut(line, " ")
		if !ok {
			return nil
		}
		if at, err := time.Parse(time.RFC3339Nano, stamp); err != nil || at.Before(c.options.since) {
			return err
		}
		if !c.options.timestamps {
			line = line[len(stamp)+1:]
		}
		if c.left >= 0 {
			line = line[:min(int64(len(line)), c.left)]
			c.left -= int64(len(line))
		}
		_, err := io.WriteString(c.out, line)
		return err
	})
}

// each calls f with every whole line, newline included, and moves on.
func (c *logCopy) each(to int64, f func(line string) error) error {
	if to < 0 {
		to = 1 << 62
	}
	reader := bufio.NewReader(io.NewSectionReader(c.file, c.at, to-c.at))
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil // a line that is being written waits for its end
			}
			return err
		}
		c.at += int64(len(line))
		if err := f(line); err != nil || c.left == 0 {
			return err
		}
	}
}

// tailFrom is where the last lines that are wanted begin.
func (c *logCopy) tailFrom(to int64) (int64, error) {
	scan := &logCopy{file: c.file, at: c.at, left: -1}
	starts := []int64{c.at}
	err := scan.each(to, func(string) error {
		starts = append(starts, scan.at)
		return nil
	})
	return starts[max(0, int64(len(starts))-1-c.options.tail)], err
}
