package mk8s

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"

	// The same library verifies on the mock's side of the exchange.
	"github.com/go-jose/go-jose/v4"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// paperEngine makes clusters that exist on paper only: they have an address where
// nobody answers, and a key with which nobody signs.
type paperEngine struct{}

type paperCluster struct {
	version string
	jwks    []byte
}

// paperVersions are what the other engines can run, too.
var paperVersions = []string{"1.36.3", "1.35.4", "1.34.4", "1.33.4", "1.32.6", "1.31.4", "1.30.14"}

func (paperEngine) Name() string                                        { return "paper" }
func (paperEngine) Versions() []string                                  { return paperVersions }
func (paperEngine) Lacks() []string                                     { return nil }
func (paperEngine) Host(context.Context) []string                       { return nil }
func (paperEngine) Resumes() bool                                       { return true }
func (paperEngine) Prepare(context.Context, string, func(string)) error { return nil }

func (paperEngine) Start(_ context.Context, spec localcluster.Spec) (localcluster.Cluster, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: rand.Text(), Algorithm: string(jose.RS256), Use: "sig"}}}
	raw, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	c := &paperCluster{jwks: raw, version: spec.Version}
	for _, full := range paperVersions {
		if strings.HasPrefix(full, spec.Version+".") {
			c.version = full
		}
	}
	return c, nil
}

// Endpoint is in TEST-NET-2 (RFC 5737).
func (*paperCluster) Endpoint() string                           { return "https://198.51.100.1" }
func (c *paperCluster) InternalEndpoint() string                 { return c.Endpoint() }
func (*paperCluster) CA() []byte                                 { return []byte("on paper\n") }
func (c *paperCluster) Version() string                          { return c.version }
func (*paperCluster) Admin() *rest.Config                        { return nil }
func (c *paperCluster) JWKS(context.Context) ([]byte, error)     { return c.jwks, nil }
func (*paperCluster) SetIssuers(context.Context, []string) error { return nil }
func (*paperCluster) AddNode(_ context.Context, n localcluster.NodeSpec) (string, error) {
	return n.Name, nil
}
func (*paperCluster) RemoveNode(context.Context, string) error  { return nil }
func (*paperCluster) RestartNode(context.Context, string) error { return nil }
func (*paperCluster) CollectLogs(context.Context, string) error { return nil }
func (*paperCluster) Delete(context.Context) error              { return nil }
