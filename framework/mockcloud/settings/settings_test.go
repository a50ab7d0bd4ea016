package settings

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
)

func TestParse(t *testing.T) {
	for _, x := range []struct{ name, text, wantErr string }{
		{"empty", "", ""},
		{"latencies", "latencies:\n  yandex.cloud.k8s.v1.ClusterService/Create: 60s\n", ""},
		{"unknown key", "latency: 3s\n", `unknown field "latency"`},
		{"unknown key below", "jwks:\n  tll: 3s\n", `unknown field "tll"`},
		{"bare number", "propagation: 5\n", "is a string like"},
		{"no duration", "propagation: soon\n", `"soon" is no duration`},
		{"negative", "propagation: -3s\n", "is no duration"},
		{"unknown restrictions", "restrictions: all\n", "known are tutorial-2025-10 and none"},
		{"token for a day", "token_lifetime: 24h\n", "at most 12h"},
		{"fault of an unknown code", "faults: [{method: '*', code: BROKEN}]\n", "is a gRPC code like"},
		{"fault of no method", "faults: [{code: INTERNAL}]\n", "names no method"},
		{"bugs", "bugs:\n  b1gone: [AlgNoneAccepted]\n  '*': []\n", ""},
		{"unknown bug", "bugs: {b1gone: [AlgNoneAcepted]}\n", `settings: bugs of folder b1gone: there is no bug "AlgNoneAcepted"; the nearest is AlgNoneAccepted`},
		{"bugs of no folder", "bugs: [AlgNoneAccepted]\n", "cannot unmarshal"},
		{"redirects", "jwks: {redirects: public}\n", ""},
		{"unknown redirects", "jwks: {redirects: maybe}\n", "known are never, public and anywhere"},
		{"no limits", "limits: {requests_per_second: 0, max_body: 0}\n", ""},
		{"negative limit", "limits: {max_body: -1}\n", "a limit is negative"},
		{"key twice", "leeway: 1s\nleeway: 2s\n", "already set"},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, err := Parse([]byte(x.text), Default())
			if x.wantErr == "" {
				if err != nil {
					t.Fatal(err)
				}
				if len(got.Quotas) == 0 {
					t.Error("the defaults are lost")
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), x.wantErr) {
				t.Errorf("error %v, want one with %q", err, x.wantErr)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("latencies: {a: 1s}"))
	f.Add([]byte("faults: [{method: '*'}]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, err := Parse(raw, Default()); err == nil && s.validate() != nil {
			t.Error("accepted settings that are not valid")
		}
	})
}

func TestLatency(t *testing.T) {
	s := Default()
	s.Latencies = map[string]Duration{"*": Duration(time.Second), "a/B": 0}
	if s.Latency("a/B") != 0 || s.Latency("x/Y") != time.Second {
		t.Error("the method's own latency goes before the one for all")
	}
}

func TestFaultsCountTheirCalls(t *testing.T) {
	l := NewLive(Default())
	if err := l.Patch([]byte(`{"faults":[{"method":"a/B","calls":2,"code":"UNAVAILABLE"},{"method":"*","calls":1,"code":"INTERNAL"}]}`)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 4 {
		f, _ := l.Fault("a/B")
		got = append(got, f.Code)
	}
	if want := "UNAVAILABLE UNAVAILABLE INTERNAL "; strings.Join(got, " ") != want {
		t.Errorf("faults %q, want %q", strings.Join(got, " "), want)
	}
	if err := l.Patch([]byte(`{"leeway":"1s"}`)); err != nil {
		t.Fatal(err)
	}
	if _, again := l.Fault("a/B"); again {
		t.Error("another setting gave spent faults new calls")
	}
}

// TestListsAreReplaced: a list in a patch is the whole new list, nothing of the
// former one shines through, and a refused patch changes nothing.
func TestListsAreReplaced(t *testing.T) {
	l := NewLive(Default())
	if err := l.Patch([]byte(`{"faults":[{"method":"a/B","code":"UNAVAILABLE","after":true}]}`)); err != nil {
		t.Fatal(err)
	}
	held := l.Get()
	for _, refused := range []string{`{"jwks":{"algorithms":["none"]},"faults":[{"method":"x/Y"}],"leeway":1}`, `{"jwks":{"algorithms":["none"]},"restrictions":"all"}`} {
		if err := l.Patch([]byte(refused)); err == nil {
			t.Fatalf("%s was accepted", refused)
		}
	}
	for name, s := range map[string]Settings{"present": l.Get(), "held": held} {
		if s.JWKS.Algorithms[0] != "RS256" || s.Faults[0].Method != "a/B" {
			t.Errorf("a refused patch changed the %s settings: %v, %v", name, s.JWKS.Algorithms, s.Faults)
		}
	}
	if err := l.Patch([]byte(`{"faults":[{"method":"c/D"}],"jwks":{"ttl":"1s"}}`)); err != nil {
		t.Fatal(err)
	}
	if got := l.Get(); len(got.Faults) != 1 || got.Faults[0] != (Fault{Method: "c/D"}) || len(got.JWKS.Algorithms) != 2 {
		t.Errorf("faults %+v, algorithms %v", got.Faults, got.JWKS.Algorithms)
	}
	if err := l.Patch([]byte(`{"faults":[]}`)); err != nil || len(l.Get().Faults) != 0 {
		t.Errorf("an empty list: %v, %v", err, l.Get().Faults)
	}
}

// TestEveryGuessAnswers: a row must be a refusal of its kind, or accept on purpose.
func TestEveryGuessAnswers(t *testing.T) {
	for name, g := range defaultGuesses() {
		switch {
		case strings.HasPrefix(name, "exchange/"):
			if g.Status < 400 || g.Status > 499 || g.Error == "" || g.Text == "" {
				t.Errorf("%s: %+v is no OAuth refusal", name, g)
			}
		case g.Code != "" && g.Text == "":
			t.Errorf("%s: %+v has a code and no text", name, g)
		}
	}
}

// TestBugsAreSetByFolder: a patch names the folders that it changes, and no other.
func TestBugsAreSetByFolder(t *testing.T) {
	one, two := bugs.Names()[0], bugs.Names()[1]
	l := NewLive(Default())
	for _, patch := range []string{`{"bugs":{"a":["` + one + `"]}}`, `{"bugs":{"b":["` + two + `","` + one + `"]}}`, `{"leeway":"1s"}`} {
		if err := l.Patch([]byte(patch)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Patch([]byte(`{"bugs":{"a":["no such"],"b":[]}}`)); err == nil {
		t.Error("an unknown bug was accepted")
	}
	for _, x := range []struct {
		folders []string
		want    bugs.Set
	}{
		{nil, nil}, {[]string{"a"}, bugs.Set{one}}, {[]string{"b"}, bugs.SetOf([]string{one, two})}, {[]string{"a", "b"}, bugs.SetOf([]string{one, two})}, {[]string{"c"}, nil},
	} {
		if got := l.BugsIn(x.folders...); !slices.Equal(got, x.want) {
			t.Errorf("in %v act %v, want %v", x.folders, got, x.want)
		}
	}
	if err := l.Patch([]byte(`{"bugs":{"a":[],"*":["` + two + `"]}}`)); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"a", "c"} {
		if got := l.BugsIn(folder); !slices.Equal(got, bugs.Set{two}) {
			t.Errorf("in %s act %v, want what acts everywhere", folder, got)
		}
	}
}
