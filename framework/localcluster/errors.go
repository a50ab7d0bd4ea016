package localcluster

import (
	"fmt"
	"strings"
)

// Error names the version and the ones the engine knows.
func (e *UnknownVersionError) Error() string {
	return fmt.Sprintf("the %s engine has no Kubernetes %q; it can run %s", e.Engine, e.Version, strings.Join(e.Known, ", "))
}
