package mockcloud

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
)

//go:embed drivers.yaml
var driversFile []byte

// Drivers are clients that others wrote, each with the methods that it calls: of the Go
// SDK what a full run of the suite calls, of its first version what TestGoSDKv1 calls.
// curl calls them all (TestEveryRouteByCurl).
type Drivers struct {
	GoSDK   []string `json:"goSDK"`
	GoSDKv1 []string `json:"goSDKv1"`
}

// KnownDrivers are the committed ones.
func KnownDrivers() (Drivers, error) {
	var d Drivers
	if err := yaml.UnmarshalStrict(driversFile, &d); err != nil {
		return d, fmt.Errorf("reading drivers.yaml: %w", err)
	}
	return d, nil
}

const driversHeader = `# Which methods of the mock the Go SDK calls: in a full run of the suite, and by its
# first version in TestGoSDKv1. bin/wlif mock drivers AUDIT-LOG-OF-A-FULL-RUN prints it.
`

// DriversPage is drivers.yaml with the Go SDK's methods of a run's audit log.
func DriversPage(log io.Reader) (string, error) {
	d, err := KnownDrivers()
	if err != nil {
		return "", err
	}
	if d.GoSDK, err = called(log); err != nil {
		return "", err
	}
	raw, err := yaml.Marshal(d)
	return driversHeader + string(raw), err
}

// called are the methods of an audit log that a run's own client called with success:
// its name is in the calls.
func called(log io.Reader) ([]string, error) {
	found := map[string]bool{}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e audit.Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if method, ok := strings.CutPrefix(e.Method, "yandex.cloud."); ok && e.Run != "" && e.Verdict == audit.Allowed {
			found[method] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), lines.Err()
}

// marks says which of the clients call a method.
func (d Drivers) marks(method string) string {
	text := ""
	if slices.Contains(d.GoSDK, method) {
		text += "²"
	}
	if slices.Contains(d.GoSDKv1, method) {
		text += "¹"
	}
	return text
}
