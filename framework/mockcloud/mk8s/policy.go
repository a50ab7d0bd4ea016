package mk8s

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// policy is what clusters report and publish of themselves.
type policy struct {
	// report has the last word on what a cluster says of its federation.
	report func(*pb.WorkloadIdentityFederation)
	// signs: a cluster that is made with federation signs as its public issuer;
	// enables and disables: one that is updated starts and ceases to.
	signs, enables, disables bool
	// keys, unless it is nil, has the last word on the key set, which is published
	// as contentType, for everyone unless it is withheld.
	keys        func([]jwk) ([]jwk, error)
	contentType string
	publishes   bool
	withheld    bool
	// restarts and upgrades: a cluster that starts again, as it was or as another
	// version, signs as the issuer that it had.
	restarts, upgrades bool
	// groupFlag: a node group keeps its federation; egress: its nodes have the way
	// out that the network gives them.
	groupFlag, egress bool
	metadata          metadataPolicy
}

// metadataPolicy is what the metadata address demands, and gives.
type metadataPolicy struct {
	// flavored: a request has the header; groupFlag: the node group has federation
	// enabled; linked: the account that is named is linked to the pod's.
	flavored, groupFlag, linked bool
	// everyPod gives pods that name no account that of another, nodesAccount gives all the
	// nodes' own.
	everyPod, nodesAccount bool
}

// jwk is a key of a set, by the names of its members.
type jwk map[string]any

func strict() policy {
	return policy{
		report: func(*pb.WorkloadIdentityFederation) {}, signs: true, enables: true, disables: true,
		contentType: "application/json", publishes: true, restarts: true, upgrades: true, groupFlag: true, egress: true,
		metadata: metadataPolicy{flavored: true, groupFlag: true, linked: true},
	}
}

// deviations are the bugs that act here.
var deviations = map[string]func(*policy){
	"IssuerGetsSlash":       reporting(func(w *pb.WorkloadIdentityFederation) { w.Issuer += "/" }),
	"IssuerIsHTTP":          reporting(func(w *pb.WorkloadIdentityFederation) { w.Issuer = "http" + strings.TrimPrefix(w.Issuer, "https") }),
	"JWKSURLIsWrong":        reporting(func(w *pb.WorkloadIdentityFederation) { w.JwksUri = strings.TrimSuffix(w.JwksUri, ".json") }),
	"FederationIsNotServed": func(p *policy) { p.signs = false },

	"JWKSNotPublished":     func(p *policy) { p.publishes = false },
	"JWKSPrivate":          func(p *policy) { p.withheld = true },
	"JWKSServedAsHTML":     func(p *policy) { p.contentType = "text/html" },
	"JWKSWithoutKid":       publishing(eachKey(func(key jwk) { delete(key, "kid") })),
	"JWKSWithoutUse":       publishing(eachKey(func(key jwk) { delete(key, "use") })),
	"JWKSWithoutAlg":       publishing(eachKey(func(key jwk) { delete(key, "alg") })),
	"JWKSUnderOtherKid":    publishing(eachKey(func(key jwk) { key["kid"] = rand.Text() })),
	"JWKSOfOtherKey":       publishing(otherKey),
	"JWKSHasPrivateMember": publishing(andPrivateKey),

	"RestartForgetsIssuer":   func(p *policy) { p.restarts = false },
	"UpgradeForgetsIssuer":   func(p *policy) { p.upgrades = false },
	"EnablingIsReportedOnly": func(p *policy) { p.enables = false },
	"DisablingDoesNothing":   func(p *policy) { p.disables = false },
	"NodeGroupFlagLost":      func(p *policy) { p.groupFlag = false },
	"NodesHaveNoEgress":      func(p *policy) { p.egress = false },

	"MetadataWithoutFlavor":     func(p *policy) { p.metadata.flavored = false },
	"MetadataOnEveryNode":       func(p *policy) { p.metadata.groupFlag = false },
	"MetadataIgnoresLink":       func(p *policy) { p.metadata.linked = false },
	"MetadataForEveryPod":       func(p *policy) { p.metadata.everyPod = true },
	"MetadataGivesNodesAccount": func(p *policy) { p.metadata.nodesAccount = true },
}

func (s *Service) policyIn(folder string) policy {
	return kernel.PolicyOn(s.k, strict(), deviations, state.Ref{Type: kindFolder, ID: folder})
}

func (s *Service) policyOf(clusterID string) policy {
	return kernel.PolicyOn(s.k, strict(), deviations, clusterRef(clusterID))
}

func reporting(change func(*pb.WorkloadIdentityFederation)) func(*policy) {
	return func(p *policy) { p.report = change }
}

func publishing(change func([]jwk) ([]jwk, error)) func(*policy) {
	return func(p *policy) { p.keys = change }
}

// edit lets a policy change a key set.
func (p policy) edit(raw []byte) ([]byte, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, err
	}
	var err error
	if set.Keys, err = p.keys(set.Keys); err != nil {
		return nil, err
	}
	return json.Marshal(set)
}

func eachKey(change func(jwk)) func([]jwk) ([]jwk, error) {
	return func(keys []jwk) ([]jwk, error) {
		for _, key := range keys {
			change(key)
		}
		return keys, nil
	}
}

// otherKey puts a key that nobody signs with under the id of each.
func otherKey(keys []jwk) ([]jwk, error) {
	for i, key := range keys {
		other, err := newKey(key["kid"], false)
		if err != nil {
			return nil, err
		}
		keys[i] = other
	}
	return keys, nil
}

// andPrivateKey adds a key with all its members.
func andPrivateKey(keys []jwk) ([]jwk, error) {
	private, err := newKey(rand.Text(), true)
	return append(keys, private), err
}

func newKey(kid any, private bool) (jwk, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	id, _ := kid.(string)
	made := jose.JSONWebKey{Key: key, KeyID: id, Use: "sig", Algorithm: string(jose.RS256)}
	if !private {
		made = made.Public()
	}
	raw, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	var out jwk
	err = json.Unmarshal(raw, &out)
	return out, err
}
