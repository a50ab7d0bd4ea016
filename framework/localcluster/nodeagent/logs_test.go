package nodeagent

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestContainerLog(t *testing.T) {
	l := &containerLog{path: filepath.Join(t.TempDir(), "c.log")}
	write := func(parts ...string) {
		t.Helper()
		o, err := l.open()
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			if _, err := io.WriteString(o.stdout, part); err != nil {
				t.Fatal(err)
			}
		}
		o.close()
	}
	long := strings.Repeat("x", longestLine+10)
	write("first start\n")
	write("a", "b\nc\n", "no end")
	for _, tc := range []struct {
		query, want string
	}{
		{"", "ab\nc\nno end\n"},
		{"tailLines=1", "no end\n"},
		{"tailLines=0", ""},
		{"tailLines=99", "ab\nc\nno end\n"},
		{"previous=true", "first start\n"},
		{"previous=true&tailLines=1", "first start\n"},
		{"limitBytes=4", "ab\nc"},
		{"follow=true", "ab\nc\nno end\n"},
		{"sinceSeconds=3600", "ab\nc\nno end\n"},
		{"sinceTime=2999-01-01T00:00:00Z", ""},
	} {
		query, err := url.ParseQuery(tc.query)
		if err != nil {
			t.Fatal(err)
		}
		options, err := parseLogOptions(query, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := l.copyTo(t.Context(), &out, options); err != nil || out.String() != tc.want {
			t.Errorf("%s: %q (%v), want %q", tc.query, out.String(), err, tc.want)
		}
	}
	write(long)
	var out bytes.Buffer
	if err := l.copyTo(t.Context(), &out, logOptions{tail: -1, limit: -1}); err != nil || strings.ReplaceAll(out.String(), "\n", "") != long {
		t.Errorf("a long line came back with %d bytes (%v)", out.Len(), err)
	}
}

func TestAFollowerSeesEveryLine(t *testing.T) {
	l := &containerLog{path: filepath.Join(t.TempDir(), "c.log")}
	o, err := l.open()
	if err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	go func() {
		_ = write.CloseWithError(l.copyTo(t.Context(), write, logOptions{follow: true, tail: -1, limit: -1}))
	}()
	var want strings.Builder
	go func() {
		for i := range 500 {
			_, _ = fmt.Fprintln(o.stdout, i)
		}
		o.close()
	}()
	for i := range 500 {
		fmt.Fprintln(&want, i)
	}
	got, err := io.ReadAll(read)
	if err != nil || string(got) != want.String() {
		t.Errorf("%d bytes of %d (%v)", len(got), want.Len(), err)
	}
}

func TestLogOptionsThatAreRefused(t *testing.T) {
	for _, query := range []string{"follow=maybe", "tailLines=-1", "tailLines=x", "sinceTime=yesterday", "stream=Stderr", "colour=red"} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseLogOptions(values, time.Now()); err == nil || !strings.Contains(err.Error(), strings.SplitN(query, "=", 2)[0]) {
			t.Errorf("%s: %v, want an error that names it", query, err)
		}
	}
}

func FuzzLogOptions(f *testing.F) {
	f.Add("follow=true&tailLines=3&sinceTime=2026-01-01T00:00:00Z")
	f.Add("tailLines=99999999999999999999")
	f.Fuzz(func(t *testing.T, raw string) {
		query, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		if o, err := parseLogOptions(query, time.Now()); err == nil && (o.tail < -1 || o.limit < -1) {
			t.Errorf("%q was taken as %+v", raw, o)
		}
	})
}
