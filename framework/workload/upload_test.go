package workload

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestUpload(t *testing.T) {
	_, c := startFake(t)
	program, path := filepath.Join(t.TempDir(), "program"), filepath.Join(t.TempDir(), "in the pod")
	content := make([]byte, 3<<20)
	_, _ = rand.Read(content)
	if err := os.WriteFile(program, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Upload(t.Context(), c, "ns", "p", "nginx", program, path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes arrived of %d (%v), or others", len(got), len(content), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the file is %v (%v)", info, err)
	}
	for what, paths := range map[string][2]string{
		"no program":         {program + "-missing", path},
		"no folder in there": {program, filepath.Join(path, "in", "a", "file")},
	} {
		var session *SessionError
		if err := Upload(t.Context(), c, "ns", "p", "nginx", paths[0], paths[1]); !errors.As(err, &session) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
