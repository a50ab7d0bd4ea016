package kind

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestRemains(t *testing.T) {
	got, err := remains("wlif-a-\t2026-11-21 21:38:04.87 +0000 UTC\nwlif-a-cat1\t2026-11-21 21:38:05 +0000 UTC\n" +
		"kind\t2026-01-01 00:00:00 +0000 UTC\nwlif-b-cat2\t2026-11-21 23:00:00 +0200 EET\n")
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, r := range got {
		text = append(text, r.Prefix+" "+r.Since.UTC().Format(time.RFC3339))
	}
	if want := []string{"wlif-a 2026-11-21T21:38:04Z", "wlif-b 2026-11-21T21:00:00Z"}; !slices.Equal(text, want) {
		t.Errorf("%q, want %q", text, want)
	}
	if _, err := remains("wlif-a-\tyesterday\n"); err == nil {
		t.Error("no time: no error")
	}
}

func TestContainersInTheMaking(t *testing.T) {
	if err := making("wlif-unit"); err != nil {
		t.Errorf("nothing is being made: %v", err)
	}
	// A process with the arguments of `docker run` that waits: a shell whose script
	// is called run.
	command := exec.CommandContext(t.Context(), "sh")
	command.Args = []string{"docker", "run", "--label", clusterLabel + "=wlif-unit-cat1"}
	command.Dir = t.TempDir()
	if err := os.WriteFile(command.Dir+"/run", []byte("echo up; read end"), 0o600); err != nil {
		t.Fatal(err)
	}
	end, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	up, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := up.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if making("wlif-unit") == nil || making("wlif-uni") != nil {
		t.Error("the making of a container is not seen, or taken for another's")
	}
	if err := errors.Join(end.Close(), ignoreExit(command.Wait())); err != nil {
		t.Fatal(err)
	}
	if err := making("wlif-unit"); err != nil {
		t.Errorf("it has ended: %v", err)
	}
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}
