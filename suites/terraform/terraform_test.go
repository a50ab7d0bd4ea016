package terraform

import (
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/payload"
)

func TestOtherPayloadsThanGiven(t *testing.T) {
	text := func(s string) payload.Entry { return payload.Entry{Key: "key", TextValue: &s} }
	for name, tc := range map[string]struct {
		entries []payload.Entry
		want    string
	}{
		"as given": {[]payload.Entry{text("value")}, ""},
		"another":  {[]payload.Entry{text("values")}, "another value"},
		"none":     {nil, "0 entries"},
		"two":      {[]payload.Entry{text("value"), text("value")}, "2 entries"},
		"no value": {[]payload.Entry{{Key: "key"}}, "the module's secret"},
	} {
		t.Run(name, func(t *testing.T) {
			err := given(payload.Payload{Entries: tc.entries}, "value")
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "values") {
				t.Error("the error quotes the secret")
			}
		})
	}
}
