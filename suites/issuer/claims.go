package issuer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// expected are claims that a token must have; a zero field is not looked at.
type expected struct {
	issuer, subject string
	audiences       []string
	bound           bound
}

// differences says, claim by claim, in what a token is not as expected.
func (d details) differences(want expected) []string {
	var found []string
	differ := func(bad bool, format string, args ...any) {
		if bad {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	differ(want.issuer != "" && d.Issuer != want.issuer, "its iss is %q, not %q", d.Issuer, want.issuer)
	differ(want.subject != "" && d.Subject != want.subject, "its sub is %q, not %q", d.Subject, want.subject)
	sorted := func(list []string) []string { return slices.Sorted(slices.Values(list)) }
	differ(want.audiences != nil && !slices.Equal(sorted(d.Audience), sorted(want.audiences)), "its aud is %q, not %q", d.Audience, want.audiences)
	differ(want.bound.Pod != (object{}) && d.Bound.Pod != want.bound.Pod, "it is bound to the pod %+v, not to %+v", d.Bound.Pod, want.bound.Pod)
	differ(want.bound.Namespace != "" && d.Bound.Namespace != want.bound.Namespace, "it names the namespace %q, not %q", d.Bound.Namespace, want.bound.Namespace)
	differ(want.bound.ServiceAccount.Name != "" && d.Bound.ServiceAccount.Name != want.bound.ServiceAccount.Name,
		"it names the service account %q, not %q", d.Bound.ServiceAccount.Name, want.bound.ServiceAccount.Name)
	return found
}
