package main

import (
	"context"
	"io"
	"os"
	"testing"
)

// This program starts itself as `wlif mock`, `wlif suite-log` and `wlif sweep`; in tests
// that is the test binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "mock", "suite-log", "sweep":
			os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
		case launcherWord:
			os.Exit(explain(testLauncher(context.Background(), os.Args[2], os.Args[3]), os.Stderr))
		case bystanderWord:
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}
	}
	os.Exit(withAuthority(m.Run))
}
