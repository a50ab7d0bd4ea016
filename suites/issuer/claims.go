package issuer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

// details are what a token says, with the claims that only Kubernetes has
// (Kubernetes documentation, "Managing Service Accounts", bound tokens).
type details struct {
	exchange.Claims
	Bound bound
}

// bound is the claim kubernetes.io.
type bound struct {
	Namespace      string `json:"namespace"`
	Pod            object `json:"pod"`
	ServiceAccount object `json:"serviceaccount"`
}

type object struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
}

// read decodes a token. One that cannot be read is a failure of the cluster that
// signed it.
func read(token exchange.Token) details {
	GinkgoHelper()
	d, err := decode(token)
	check.NoError(err, "reading a token of the cluster")
	return d
}

func decode(token exchange.Token) (details, error) {
	claims, err := exchange.ReadClaims(token)
	if err != nil {
		return details{}, err
	}
	var payload struct {
		Bound bound `json:"kubernetes.io"`
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token.Reveal(), ".")[1])
	if err == nil {
		err = json.Unmarshal(raw, &payload)
	}
	if err != nil {
		return details{}, errors.New("the claim kubernetes.io of the token cannot be read")
	}
	return details{claims, payload.Bound}, nil
}
