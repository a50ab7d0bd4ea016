package mk8s

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

const (
	// issuerBucket is the cloud's own bucket (documentation of Managed Kubernetes:
	// https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/<id>).
	issuerBucket = "mk8s-oidc"
	// defaultIssuer is what a cluster without workload identity federation signs as.
	defaultIssuer = "https://kubernetes.default.svc.cluster.local"
)

func issuerFolder(clusterID string) string { return "v1/clusters/" + clusterID }

func (s *Service) issuerOf(clusterID string) string {
	return s.o.StorageBase + "/" + issuerBucket + "/" + issuerFolder(clusterID)
}

func (s *Service) jwksOf(clusterID string) string { return s.issuerOf(clusterID) + "/jwks.json" }

// publish puts a cluster's key set, and the discovery document unless the table of
// guesses says otherwise, where everyone can read them.
func (s *Service) publish(ctx context.Context, id string, c localcluster.Cluster) error {
	keys, err := c.JWKS(ctx)
	if err != nil {
		return err
	}
	if err := s.publishKeys(id, keys); err != nil {
		return err
	}
	if s.discoveryWithheld() {
		return nil
	}
	document, err := json.Marshal(map[string]any{
		"issuer": s.issuerOf(id), "jwks_uri": s.jwksOf(id),
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
	if err != nil {
		return err
	}
	return s.o.Publisher.Publish(issuerBucket, issuerFolder(id)+"/.well-known/openid-configuration", "application/json", document)
}

// publishAgain publishes what a running cluster has by now.
func (s *Service) publishAgain(ctx context.Context, id string) error {
	running, ok := s.plant.get(id)
	if !ok {
		return errNotRunning
	}
	return s.publish(ctx, id, running)
}

func (s *Service) publishKeys(id string, keys []byte) (err error) {
	p, file := s.policyOf(id), issuerFolder(id)+"/jwks.json"
	if !p.publishes {
		return s.o.Publisher.Unpublish(issuerBucket, file)
	}
	if p.keys != nil {
		if keys, err = p.edit(keys); err != nil {
			return fmt.Errorf("changing the key set of cluster %s: %w", id, err)
		}
	}
	if err := s.o.Publisher.Publish(issuerBucket, file, p.contentType, keys); err != nil || !p.withheld {
		return err
	}
	return s.o.Publisher.Withhold(issuerBucket, file)
}

// unpublish removes both; what is not there is no error.
func (s *Service) unpublish(id string) error {
	return errors.Join(
		s.o.Publisher.Unpublish(issuerBucket, issuerFolder(id)+"/jwks.json"),
		s.o.Publisher.Unpublish(issuerBucket, issuerFolder(id)+"/.well-known/openid-configuration"))
}

// discoveryWithheld: whether the real cloud publishes a discovery document beside
// the key set is not documented, so the table of guesses decides.
func (s *Service) discoveryWithheld() bool { return s.k.Guess("k8s/discovery-document") != nil }
