package forge

import (
	"context"
	"strings"
	"sync"

	"github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// Host is an issuer of ours and the public place where its keys are.
type Host struct {
	Issuer *issuer.Issuer
	// Bucket is public; JWKSURL is where the issuer's key set is in it.
	Bucket, JWKSURL string

	fixtures *provision.Fixtures
}

// jwksFile is the key set's name below the issuer's URL, as the cloud's own have it.
const jwksFile = "/jwks.json"

// keySetType is what a key set is served as (RFC 7517 section 8.5.2).
const keySetType = "application/jwk-set+json"

// stock has the keys that were made before the run, if there are any.
var stock = sync.OnceValues(func() (issuer.Stock, error) { return issuer.ReadStock(run.Current().Config.ForgingKeys) })

// Key is a key for a part that is not the shared issuer's.
func Key(part issuer.Part) (*issuer.Key, error) {
	keys, err := stock()
	if err != nil {
		return nil, err
	}
	return keys.Key(part)
}

// NewHost makes a public bucket and an issuer in it.
func NewHost(ctx context.Context, f *provision.Fixtures) (*Host, error) {
	bucket, err := f.Bucket(ctx, "issuer", provision.BucketSpec{Public: true})
	if err != nil {
		return nil, err
	}
	h := &Host{Bucket: bucket, fixtures: f}
	keys, err := stock()
	if err != nil {
		return nil, err
	}
	if h.Issuer, err = keys.Issuer(""); err != nil {
		return nil, err
	}
	h.JWKSURL, err = h.Publish(ctx, "issuer"+jwksFile, issuer.JWKS(h.Issuer.Keys()...))
	h.Issuer.URL = strings.TrimSuffix(h.JWKSURL, jwksFile)
	return h, err
}

// Publish puts a key set (or what is to pass for one) into the bucket and returns
// its URL.
func (h *Host) Publish(ctx context.Context, path string, content []byte) (url string, err error) {
	return h.PublishAs(ctx, path, keySetType, content)
}

// Unpublish takes something out of the bucket.
func (h *Host) Unpublish(ctx context.Context, path string) error {
	return h.fixtures.Remove(ctx, h.Bucket, path)
}

// PublishAs puts anything into the bucket.
func (h *Host) PublishAs(ctx context.Context, path, contentType string, content []byte) (url string, err error) {
	return h.fixtures.Put(ctx, h.Bucket, path, contentType, content)
}

// shared is this process's world. A Ginkgo process runs one spec at a time; the
// lock is for specs that ask from several goroutines.
var shared struct {
	sync.Mutex
	host  *Host
	stack *Stack
	// unusable is set if the stack does not let its own tokens in: each check would
	// wait in vain again.
	unusable error
}

// SharedHost is the issuer that all checks of this process share, made by the
// first that asks for it. What is published in it stays; nothing of it is changed.
func SharedHost(ctx context.Context) *Host {
	ginkgo.GinkgoHelper()
	shared.Lock()
	defer shared.Unlock()
	if shared.host == nil {
		run.Step("publishing an issuer of our own")
		host, err := NewHost(ctx, run.Current().SharedFixtures())
		check.Prerequisite(err, "publishing an issuer of our own")
		shared.host = host
	}
	return shared.host
}

// World is the stack that all checks of this process share, made by the first that
// asks for it. Checks present tokens to it and change nothing of it.
func World(ctx context.Context) *Stack {
	ginkgo.GinkgoHelper()
	host := SharedHost(ctx)
	shared.Lock()
	defer shared.Unlock()
	if shared.stack == nil {
		shared.stack = build(ctx, run.Current().SharedFixtures(), host, Options{Unready: true})
		shared.unusable = shared.stack.ready(ctx)
	}
	check.Prerequisite(shared.unusable, "waiting for the first exchange of the shared stack")
	return shared.stack
}

// Own makes a stack of the present spec's own, whose issuer is the shared one: the
// spec may change or delete everything of it, and what is left is deleted with it.
func Own(ctx context.Context, o Options) *Stack {
	ginkgo.GinkgoHelper()
	return build(ctx, run.Current().Fixtures(), SharedHost(ctx), o)
}

// KeyedAt makes a stack of the present spec's own whose key set is at an address
// where it may not be had. Another account is linked to the shared federation after
// it, and that link is waited for: what is refused then is not refused because links
// are slow.
func KeyedAt(ctx context.Context, address string) *Stack {
	ginkgo.GinkgoHelper()
	s := Own(ctx, Options{JWKSURL: address, Unready: true})
	run.Step("waiting for a link that is younger")
	Beside(ctx, "")
	return s
}

// Beside makes a service account of the present spec's own, in a folder ("" is the
// run's), that a subject of its own may act as through the shared stack's
// federation: of federations a cloud has few.
func Beside(ctx context.Context, folder string) *Stack {
	ginkgo.GinkgoHelper()
	s := *World(ctx)
	s.Fixtures, s.Subject = run.Current().Fixtures(), subject(fresh())
	run.Step("linking a service account of its own to the shared federation")
	s.link(ctx, folder)
	check.Prerequisite(s.ready(ctx), "waiting for the first exchange")
	return &s
}
