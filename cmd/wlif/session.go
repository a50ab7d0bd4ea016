package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// sessionOf lists the processes of a session that have not ended.
func sessionOf(session int) []int {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	var out []int
	for _, path := range paths {
		raw, err := os.ReadFile(path) //nolint:gosec // G304: from the pattern above
		if err != nil {
			continue // it has ended
		}
		// The name is in parentheses and may have any character; the fields that follow
		// are state, parent, group and session (proc_pid_stat(5)).
		text := string(raw)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(fields) < 4 || fields[3] != strconv.Itoa(session) || fields[0] == "Z" || fields[0] == "X" {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// killSession kills every process of a session: also those that one of them starts
// meanwhile.
func killSession(session int) error {
	for {
		members := sessionOf(session)
		if len(members) == 0 {
			return nil
		}
		for _, pid := range members {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("killing process %d: %w", pid, err)
			}
		}
	}
}

// firstProcess is how Ginkgo tells its first process which it is.
const firstProcess = "--ginkgo.parallel.process=1"

// killFirstProcess kills the suite's first process in a session.
func killFirstProcess(session int) error {
	members := sessionOf(session)
	i := slices.IndexFunc(members, func(pid int) bool {
		arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return err == nil && containsWord(arguments, firstProcess)
	})
	if i < 0 {
		return fmt.Errorf("none of the %d processes of session %d is the suite's first", len(members), session)
	}
	return syscall.Kill(members[i], syscall.SIGKILL)
}
