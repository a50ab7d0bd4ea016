package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// MinLength is the shortest value, in bytes, that can be registered: shorter
// ones would take ordinary words out of every text.
const MinLength = 8

// Redactor replaces secrets by "[redacted: NAME]". The zero value knows the
// patterns only. It is safe for concurrent use.
type Redactor struct {
	mu    sync.RWMutex
	forms []form
}

type form struct{ text, name string }

// patterns recognise secrets that nobody registered. Their order matters: a
// bearer header is recognised before the token in it, so that unknown kinds of
// token after "Bearer" go too.
var patterns = []pattern{
	{"private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(-----END [A-Z ]*PRIVATE KEY-----|\z)`), contains("-----BEGIN ")},
	{"JWT", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*`), contains("eyJ")},
	{"IAM token", regexp.MustCompile(`\bt1\.[A-Za-z0-9_-]+={0,2}(\.[A-Za-z0-9_-]+={0,2})?`), contains("t1.")},
	{"bearer token", regexp.MustCompile(`(?i)\bbearer[ +]+[A-Za-z0-9._~+/-]{8,}=*`), containsAnyCase("bearer")},
}

type pattern struct {
	name string
	re   *regexp.Regexp
	// possible says quickly whether a text has what each match begins with: almost none
	// has, and matching takes a hundred times as long.
	possible func(text string) bool
}

func contains(part string) func(string) bool {
	return func(text string) bool { return strings.Contains(text, part) }
}

// containsAnyCase is for a part in lower-case ASCII.
func containsAnyCase(part string) func(string) bool {
	return func(text string) bool { return strings.Contains(strings.ToLower(text), part) }
}

// Register makes value unwritable: as it is, in base64 (standard and URL
// alphabet, at any offset inside a longer encoded text), in hexadecimal and
// URL-encoded. A value under MinLength bytes is refused.
func (r *Redactor) Register(name, value string) error {
	if len(value) < MinLength {
		return fmt.Errorf("the value %q is too short to be redacted: %d bytes, at least %d are needed", name, len(value), MinLength)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range encodings(value) {
		r.forms = append(r.forms, form{text, name})
	}
	// Longest first, so that a value that contains another is replaced whole.
	slices.SortStableFunc(r.forms, func(a, b form) int { return len(b.text) - len(a.text) })
	r.forms = slices.CompactFunc(r.forms, func(a, b form) bool { return a == b })
	return nil
}

func encodings(value string) []string {
	raw := []byte(value)
	forms := []string{value, hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), url.QueryEscape(value), url.PathEscape(value)}
	for offset := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, inside(encoding, raw, offset))
		}
	}
	return slices.DeleteFunc(forms, func(s string) bool { return len(s) < MinLength })
}

// inside gives the characters that base64 of any text has where that text holds
// raw at the given offset modulo 3: those that depend on no neighbour.
func inside(encoding *base64.Encoding, raw []byte, offset int) string {
	encoded := encoding.EncodeToString(append(make([]byte, offset), raw...))
	first := (offset*8 + 5) / 6
	last := (offset + len(raw)) * 8 / 6
	return encoded[first:last]
}

// String returns s without secrets.
func (r *Redactor) String(s string) string {
	r.mu.RLock()
	for _, f := range r.forms {
		if strings.Contains(s, f.text) {
			s = strings.ReplaceAll(s, f.text, "[redacted: "+f.name+"]")
		}
	}
	r.mu.RUnlock()
	for _, p := range patterns {
		if p.possible(s) {
			s = p.re.ReplaceAllString(s, "[redacted: "+p.name+"]")
		}
	}
	return s
}

// Writer passes what is written to it on to w, without secrets. It holds back
// an unfinished line (and the lines of an unfinished PEM block), so that a
// secret that arrives in two pieces is recognised; Close writes the rest.
func (r *Redactor) Writer(w io.Writer) io.WriteCloser {
	return &writer{redactor: r, out: w}
}

type writer struct {
	redactor *Redactor
	mu       sync.Mutex
	out      io.Writer
	pending  []byte
}

// maxPending bounds, in bytes, what is held back for a line that never ends.
const maxPending = 1 << 20

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, p...)
	end := bytes.LastIndexByte(w.pending, '\n') + 1
	if begin := bytes.LastIndex(w.pending[:end], []byte("-----BEGIN ")); begin >= 0 &&
		!bytes.Contains(w.pending[begin:end], []byte("-----END ")) {
		end = begin
	}
	if len(w.pending) > maxPending {
		end = len(w.pending)
	}
	return len(p), w.flush(end)
}

func (w *writer) flush(end int) error {
	if end == 0 {
		return nil
	}
	_, err := io.WriteString(w.out, w.redactor.String(string(w.pending[:end])))
	w.pending = append(w.pending[:0], w.pending[end:]...)
	return err
}

func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush(len(w.pending))
}
