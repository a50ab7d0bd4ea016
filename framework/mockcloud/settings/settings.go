package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
)

// Duration is a time.Duration that reads and writes as "60s".
type Duration time.Duration

// MarshalJSON writes "1m0s".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads what time.ParseDuration reads; a bare number is refused.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("a duration is a string like \"60s\", not %s", raw)
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration; write it like \"60s\" or \"1m30s\"", s)
	}
	*d = Duration(v)
	return nil
}

// Settings of a mock cloud. Parse lays a text over Default: what it leaves out stays.
type Settings struct {
	// Latencies says how long the operation of a method takes, by its name
	// ("yandex.cloud.k8s.v1.ClusterService/Create"); "*" is for all others.
	// A method with latency 0 answers with an operation that is done already.
	Latencies map[string]Duration `json:"latencies,omitempty"`
	// PollInterval is what the header x-operation-poll-interval tells clients,
	// rounded up to whole seconds; 0 sends no header (clients then poll each second).
	PollInterval Duration `json:"poll_interval,omitempty"`
	// Propagation is how long a change of access bindings takes to be seen.
	Propagation Duration `json:"propagation,omitempty"`
	// Quotas are limits by metric ("iam.oidcWLIFederations.count").
	Quotas map[string]int64 `json:"quotas,omitempty"`
	// Restrictions is the dated set of Managed Kubernetes rules that is enforced:
	// "tutorial-2025-10" (WLIF needs version 1.30 and the rapid channel) or "none".
	Restrictions string `json:"restrictions,omitempty"`
	// PreviewDenied makes workload identity federation answer as a preview
	// feature that the cloud was not given (docs: "Workload identity federations": "To get access, contact tech support").
	PreviewDenied bool `json:"preview_denied,omitempty"`
	// BillingState is the billing account's: ACTIVE, TRIAL_ACTIVE, SUSPENDED, ...
	BillingState string `json:"billing_state,omitempty"`
	// TokenLifetime of IAM tokens; at most 12 hours.
	TokenLifetime Duration `json:"token_lifetime,omitempty"`
	// JWKS says how key sets are fetched.
	JWKS JWKS `json:"jwks,omitzero"`
	// Limits bound what clients may send to the API and to object storage, each; the
	// admin port has fixed ones.
	Limits Limits `json:"limits,omitzero"`
	// Leeway is the clock skew that is forgiven in exp, nbf and iat.
	Leeway Duration `json:"leeway,omitempty"`
	// Faults are injected in order; the first that matches a call acts.
	Faults []Fault `json:"faults,omitempty"`
	// Guesses replace rows of the table of guesses.
	Guesses Guesses `json:"guesses,omitempty"`
	// StandIns are the ids of running clusters, by the id of a folder. A cluster that
	// is made in the folder exists on paper and has the other one's API, issuer and
	// nodes, so that many runs can have a cluster at the cost of one. A folder that a
	// patch does not name keeps its own.
	StandIns map[string]string `json:"stand_ins,omitempty"`
	// Bugs are the names of the bugs that act in a folder, by its id; "*" is every
	// folder. A folder that a patch does not name keeps its bugs.
	Bugs map[string][]string `json:"bugs,omitempty"`
}

// JWKS are the limits of fetching a federation's key set. All are guesses.
type JWKS struct {
	// TTL is how long a fetched set is used.
	TTL Duration `json:"ttl,omitempty"`
	// RefetchEvery bounds how often an unknown kid makes the same URL be fetched again for
	// federations of one folder.
	RefetchEvery Duration `json:"refetch_every,omitempty"`
	// Timeout of one fetch.
	Timeout Duration `json:"timeout,omitempty"`
	// MaxBytes of one set.
	MaxBytes int64 `json:"max_bytes,omitempty"`
	// Redirects says whether a fetch goes where its URL redirects to, over HTTPS alone:
	// RedirectsNever, RedirectsPublic (unless that is a private address of the mock's
	// machine or network) or RedirectsAnywhere.
	Redirects string `json:"redirects,omitempty"`
	// Algorithms that a subject token may be signed with (JWS names).
	Algorithms []string `json:"algorithms,omitempty"`
}

// What a fetch of a key set makes of a redirect.
const (
	RedirectsNever    = "never"
	RedirectsPublic   = "public"
	RedirectsAnywhere = "anywhere"
)

// Limits of a port; 0 is no limit. They keep a mock alive, and are no cloud's: what
// the cloud throttles is a fault with the code RESOURCE_EXHAUSTED.
type Limits struct {
	// RequestsPerSecond, with bursts of as many.
	RequestsPerSecond int `json:"requests_per_second"`
	// MaxBody is how many bytes a request may have; methods have limits of their own
	// below it.
	MaxBody int64 `json:"max_body"`
}

// Fault makes calls fail.
type Fault struct {
	// Method is a full name ("yandex.cloud.lockbox.v1.SecretService/Create"), "*",
	// or "oauth/token".
	Method string `json:"method"`
	// Calls is how many calls fail; 0 means all.
	Calls int `json:"calls,omitempty"`
	// Code is the gRPC code ("UNAVAILABLE"); empty delays only.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Delay before the answer.
	Delay Duration `json:"delay,omitempty"`
	// Page answers with a web page and the status of a success, as a proxy on the way
	// does; token endpoint only.
	Page bool `json:"page,omitempty"`
	// After lets the call do its work first and loses the answer.
	After bool `json:"after,omitempty"`
	// RetryAfter is how long the refusal tells a client to wait (RetryInfo).
	RetryAfter Duration `json:"retry_after,omitempty"`
	// Reset cuts the connection after the headers of the answer; API only.
	Reset bool `json:"reset,omitempty"`
	// Operation is how the operation of the call ends, which has done its work by
	// then: "fails" with Code and Message, or "never", which is not before the faults
	// are replaced; empty as it should. The call itself is answered.
	Operation string `json:"operation,omitempty"`
}

// How the operation of a faulty call ends.
const (
	OperationFails = "fails"
	OperationNever = "never"
)

// refuses says whether the call itself is answered with the code.
func (f Fault) refuses() bool { return f.Code != "" && f.Operation == "" }

// Before says whether the call is refused before it does its work, Lost whether its
// answer is lost after it.
func (f Fault) Before() bool { return f.refuses() && !f.After }

// Lost: see Before.
func (f Fault) Lost() bool { return f.refuses() && f.After }

// Default is a mock with no artificial latency and the documented limits.
func Default() Settings {
	return Settings{
		Latencies: map[string]Duration{"*": 0},
		// docs: Quotas and limits in Identity and Access Management
		Quotas: map[string]int64{
			"iam.oidcWLIFederations.count":      50,
			"iam.saFederatedCredentials.count":  200,
			"iam.serviceAccounts.count":         100,
			"iam.accessBindings.count":          1000,
			"lockbox.secrets.count":             10000,
			"vpc.networks.count":                20,
			"managed-kubernetes.clusters.count": 20,
		},
		Restrictions:  "tutorial-2025-10",
		BillingState:  "ACTIVE",
		TokenLifetime: Duration(12 * time.Hour),
		JWKS: JWKS{
			TTL: Duration(5 * time.Minute), RefetchEvery: Duration(time.Second),
			Timeout: Duration(5 * time.Second), MaxBytes: 1 << 20,
			Redirects: RedirectsNever, Algorithms: []string{"RS256", "ES256"},
		},
		// An object of 64 MiB has a frame of its own when it is signed in chunks.
		Limits:  Limits{RequestsPerSecond: 2000, MaxBody: 80 << 20},
		Leeway:  Duration(0),
		Guesses: defaultGuesses(),
	}
}

// Parse reads settings in YAML or JSON over base; an unknown key is an error.
func Parse(raw []byte, base Settings) (Settings, error) {
	j, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return base, fmt.Errorf("settings: %w", err)
	}
	next := base.clone()
	// A list replaces the former one. Decoded into that, its elements would keep
	// what the new ones leave out.
	next.Faults, next.JWKS.Algorithms = nil, nil
	dec := json.NewDecoder(bytes.NewReader(j))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&next); err != nil {
		return base, fmt.Errorf("settings: %w", err)
	}
	if next.Faults == nil {
		next.Faults = base.clone().Faults
	}
	if next.JWKS.Algorithms == nil {
		next.JWKS.Algorithms = base.clone().JWKS.Algorithms
	}
	return next, next.validate()
}

func (s Settings) clone() Settings {
	s.Latencies, s.Quotas, s.Guesses = maps.Clone(s.Latencies), maps.Clone(s.Quotas), maps.Clone(s.Guesses)
	s.Faults, s.JWKS.Algorithms = slices.Clone(s.Faults), slices.Clone(s.JWKS.Algorithms)
	s.Bugs, s.StandIns = maps.Clone(s.Bugs), maps.Clone(s.StandIns)
	return s
}

func (s Settings) validate() error {
	if s.Restrictions != "tutorial-2025-10" && s.Restrictions != "none" {
		return fmt.Errorf("settings: restrictions is %q; known are tutorial-2025-10 and none", s.Restrictions)
	}
	if d := time.Duration(s.TokenLifetime); d <= 0 || d > 12*time.Hour {
		return fmt.Errorf("settings: token_lifetime is %s; an IAM token lives at most 12h", d)
	}
	if r := s.JWKS.Redirects; !slices.Contains([]string{RedirectsNever, RedirectsPublic, RedirectsAnywhere}, r) {
		return fmt.Errorf("settings: jwks.redirects is %q; known are never, public and anywhere", r)
	}
	if s.Limits.RequestsPerSecond < 0 || s.Limits.MaxBody < 0 {
		return errors.New("settings: a limit is negative; 0 is no limit")
	}
	for _, f := range s.Faults {
		var code codes.Code
		switch {
		case f.Method == "":
			return errors.New("settings: a fault names no method; it is a full name like yandex.cloud.lockbox.v1.SecretService/Create, or *")
		case f.Code != "" && code.UnmarshalJSON([]byte(strconv.Quote(f.Code))) != nil:
			return fmt.Errorf("settings: the fault of %s has the code %q; it is a gRPC code like UNAVAILABLE", f.Method, f.Code)
		case !slices.Contains([]string{"", OperationFails, OperationNever}, f.Operation), f.Operation == OperationFails && f.Code == "":
			return fmt.Errorf("settings: the fault of %s has the operation %q; it is fails (with a code) or never", f.Method, f.Operation)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(s.Bugs)) {
		for _, name := range s.Bugs[folder] {
			if _, err := bugs.Lookup(name); err != nil {
				return fmt.Errorf("settings: bugs of folder %s: %w", folder, err)
			}
		}
	}
	return nil
}

// Latency of a method's operation.
func (s Settings) Latency(method string) time.Duration {
	if d, ok := s.Latencies[method]; ok {
		return time.Duration(d)
	}
	return time.Duration(s.Latencies["*"])
}

// BugsIn are the bugs that act on what concerns folders.
func (s Settings) BugsIn(folders ...string) bugs.Set {
	lists := [][]string{s.Bugs[bugs.Everywhere]}
	for _, folder := range folders {
		lists = append(lists, s.Bugs[folder])
	}
	return bugs.SetOf(lists...)
}

// Live holds settings that may change while the mock runs.
type Live struct {
	mu    sync.Mutex
	now   Settings
	spent []int // calls used up, by fault
	// replaced is closed when other faults take the place of these.
	replaced chan struct{}
}

// NewLive starts with s.
func NewLive(s Settings) *Live {
	return &Live{now: s, spent: make([]int, len(s.Faults)), replaced: make(chan struct{})}
}

// Get returns the present settings, whose maps and lists are for reading alone: each
// call of the mock looks into them, and a change is made in a copy.
func (l *Live) Get() Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// BugsIn are the bugs that act at present on what concerns folders.
func (l *Live) BugsIn(folders ...string) bugs.Set {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now.BugsIn(folders...)
}

// Patch lays YAML or JSON over the present settings.
func (l *Live) Patch(raw []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	base := l.now
	base.Faults = nil
	next, err := Parse(raw, base)
	if err != nil {
		return err
	}
	fresh := next.Faults != nil // they have all their calls, even if they look like the former
	if !fresh {
		next.Faults = l.now.Faults
	}
	l.set(next, fresh)
	return nil
}

// Change sets them in Go.
func (l *Live) Change(f func(*Settings)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.now.clone()
	f(&next)
	l.set(next, !slices.Equal(next.Faults, l.now.Faults))
}

// set takes them over; fresh says that the faults are others.
func (l *Live) set(next Settings, fresh bool) {
	if fresh {
		l.spent = make([]int, len(next.Faults))
		close(l.replaced)
		l.replaced = make(chan struct{})
	}
	l.now = next
}

// FaultsReplaced is closed when the present faults are no more.
func (l *Live) FaultsReplaced() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.replaced
}

// Fault returns the fault that acts on this call of method, and counts it.
func (l *Live) Fault(method string) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.now.Faults {
		if f.Method != method && f.Method != "*" {
			continue
		}
		if f.Calls > 0 && l.spent[i] >= f.Calls {
			continue
		}
		l.spent[i]++
		return f, true
	}
	return Fault{}, false
}
