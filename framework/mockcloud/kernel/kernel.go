package kernel

import (
	"crypto/rand"
	"log/slog"
	"time"

	"k8s.io/utils/clock"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/operation"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Kernel is shared by all services of one mock cloud.
type Kernel struct {
	Clock      clock.Clock
	Settings   *settings.Live
	Store      *state.Store
	Bindings   *access.Bindings
	Decider    *access.Decider
	Tokens     *access.Tokens
	Operations *operation.Manager
	Audit      *audit.Log
	Log        *slog.Logger

	inactive func(access.Subject) string
	// policies are the access policies that are bound to a resource, by their templates.
	policies *state.Records[map[string]parameters]
}

// New puts a kernel together over a store.
func New(store *state.Store, live *settings.Live, c clock.Clock, log *slog.Logger, trail *audit.Log) *Kernel {
	k := &Kernel{Clock: c, Settings: live, Store: store, Log: log, Audit: trail}
	k.Bindings = access.NewBindings(store)
	k.Tokens = access.NewTokens(store)
	k.policies = state.NewRecords[map[string]parameters](store, "kernel.accessPolicies")
	k.Operations = operation.NewManager(store, c)
	k.Decider = access.NewDecider(k.Bindings, store, c.Now, func() time.Duration { return time.Duration(live.Get().Propagation) },
		func(folder string) bugs.Set { return live.BugsIn(folder) })
	return k
}

// Prefixes of ids, as observed on the real cloud; nothing may depend on them.
const (
	PrefixFolder   = "b1g"
	PrefixIAM      = "aje"
	PrefixLockbox  = "e6q"
	PrefixCluster  = "cat"
	PrefixNetwork  = "enp"
	PrefixKMS      = "abj"
	PrefixInstance = "fhm"
)

// idAlphabet is base32hex, the digits seen in all samples.
const idAlphabet = "0123456789abcdefghijklmnopqrstuv"

// NewID makes an id of 20 characters.
func NewID(prefix string) string {
	raw := make([]byte, 20-len(prefix))
	_, _ = rand.Read(raw) // never fails
	for i, b := range raw {
		raw[i] = idAlphabet[b&31]
	}
	return prefix + string(raw)
}

// Inactive says why a subject cannot authenticate ("" when it can). The IAM
// service, which knows the accounts, sets the answer.
func (k *Kernel) Inactive(s access.Subject) string {
	if k.inactive == nil {
		return ""
	}
	return k.inactive(s)
}

// JudgeSubjects makes judge answer Inactive.
func (k *Kernel) JudgeSubjects(judge func(access.Subject) string) { k.inactive = judge }
