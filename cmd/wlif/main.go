// Command wlif proves on a real cluster that workload identity federation of a
// Yandex Cloud works end to end, and cleans up after itself.
package main

import (
	"context"
	"os"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

func main() {
	leaveNoCore()
	collectSeldom()
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// leaveNoCore has neither this program nor those it starts write its memory, which has
// tokens and keys, to a file when it crashes.
func leaveNoCore() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit) // less is always allowed
	}
}

// garbage is how much there may be, in per cent of what is in use, before it is
// collected. The programs of a run are small and live for seconds.
const garbage = 400

// collectSeldom lets this program and the suite collect their garbage less often than
// Go does by default, unless the user says how often.
func collectSeldom() {
	const variable = "GOGC"
	if _, told := os.LookupEnv(variable); !told && os.Setenv(variable, strconv.Itoa(garbage)) == nil {
		debug.SetGCPercent(garbage)
	}
}
