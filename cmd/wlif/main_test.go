package main

import (
	"context"
	"os"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent"
)

// The launcher starts itself as `wlif mock` and `wlif suite-log`; in tests that is
// the test binary.
func TestMain(m *testing.M) {
	nodeagent.MaybeInit()
	if len(os.Args) > 1 && (os.Args[1] == "mock" || os.Args[1] == "suite-log") {
		os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(withAuthority(m.Run))
}
