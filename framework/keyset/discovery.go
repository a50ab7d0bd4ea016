package keyset

import (
	"encoding/json"
	"errors"
	"slices"
)

// Configuration is what verifiers read of an issuer's discovery document (OpenID
// Connect Discovery 1.0, section 3).
type Configuration struct {
	Issuer        string   `json:"issuer"`
	JWKSURL       string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
}

// ConfigurationPath follows the issuer in the document's URL (section 4).
const ConfigurationPath = "/.well-known/openid-configuration"

// ParseConfiguration reads a discovery document.
func ParseConfiguration(raw []byte) (Configuration, error) {
	var c Configuration
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, errors.New("it is no OpenID configuration: a JSON object of OpenID Connect Discovery 1.0 section 3")
	}
	return c, nil
}

// Problems says, one phrase each, how a document differs from one of this issuer,
// whose tokens are signed with the algorithm.
func (c Configuration) Problems(issuer, algorithm string) []string {
	var found []string
	if c.Issuer != issuer {
		found = append(found, "its issuer is "+c.Issuer+", not "+issuer)
	}
	if !isHTTPS(c.JWKSURL) {
		found = append(found, "its jwks_uri "+c.JWKSURL+" is no https URL")
	}
	if !slices.Contains(c.Algorithms, algorithm) {
		found = append(found, "its id_token_signing_alg_values_supported lack "+algorithm+", which signs")
	}
	if len(c.ResponseTypes) == 0 || len(c.SubjectTypes) == 0 {
		found = append(found, "it lacks response_types_supported or subject_types_supported")
	}
	return found
}
