// Command wlif proves on a real cluster that workload identity federation of a
// Yandex Cloud works end to end, and cleans up after itself.
package main

import (
	"context"
	"os"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent"
)

func main() {
	// The embedded engine's pods begin as this program, in namespaces of their own.
	nodeagent.MaybeInit()
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
