package issuer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/keyset"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

func kidPublished(ctx SpecContext) {
	token := signing.World(ctx).Token(ctx)
	Expect(publishedKeys(ctx).IDs()).To(ContainElement(read(token).KeyID), "the key set does not have the key that the token names")
}

func signatureVerifies(ctx SpecContext) {
	token := signing.World(ctx).Token(ctx)
	err := publishedKeys(ctx).Verify(token)
	if errors.Is(err, keyset.ErrUnknownKey) {
		check.Prerequisite(err, "finding the key of the token")
	}
	check.NoError(err, "verifying a token of the cluster")
}

func issExact(ctx SpecContext) {
	account := signing.World(ctx)
	Expect(read(account.Token(ctx)).differences(expected{issuer: account.Of.Issuer})).To(BeEmpty(), "the token does not have the issuer that the cloud reports")
}

func audAsRequested(ctx SpecContext) {
	account := signing.World(ctx)
	for _, audiences := range [][]string{{account.Of.Issuer}, {"https://one.example"}, {"https://one.example", "two", account.Of.Issuer}} {
		run.Step("asking for a token for " + strings.Join(audiences, ", "))
		granted, err := account.Request(ctx, cluster.TokenSpec{Audiences: audiences})
		check.NoError(err, "asking for a token")
		Expect(read(granted.Token).differences(expected{audiences: audiences})).To(BeEmpty(), "the token is not for the audiences that were asked for")
	}
}

func defaultAudience(ctx SpecContext) {
	account := signing.World(ctx)
	granted, err := account.Request(ctx, cluster.TokenSpec{})
	check.NoError(err, "asking for a token without an audience")
	audiences := read(granted.Token).Audience
	run.Step("the token is for " + strings.Join(audiences, ", "))
	Expect(audiences).To(ContainElement(account.Of.Issuer), "the API server's own audience is not the issuer")
}

func subject(ctx SpecContext) {
	account := signing.World(ctx)
	Expect(read(account.Token(ctx)).differences(expected{subject: account.Subject()})).To(BeEmpty(), "the token is not the service account's")
}

// lives are those that the tutorial asks for and the shortest.
var lives = []time.Duration{2 * time.Hour, shortest}

// shortest is the least that the API server grants.
const shortest = 10 * time.Minute

func lifetime(ctx SpecContext) {
	account := signing.World(ctx)
	for _, asked := range lives {
		run.Step("asking for a token that lives " + asked.String())
		began := time.Now()
		granted, err := account.Request(ctx, cluster.TokenSpec{Audiences: []string{account.Of.Issuer}, Seconds: int64(asked.Seconds())})
		took := time.Since(began)
		check.NoError(err, "asking for a token")
		Expect(lifeProblems(read(granted.Token), granted.Expires, asked, took)).To(BeEmpty(), "a token that was asked for %s", asked)
	}
}

// lifeProblems says how a token lives otherwise than it was granted to. Between what it
// says of the expiry and what it signs the API server looks at its clock again, so that
// the token may live longer by as much as the request took.
func lifeProblems(d details, granted time.Time, asked, took time.Duration) []string {
	var found []string
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	refuse(d.IssuedAt.IsZero(), "it has no iat")
	late := d.Expires.Sub(granted)
	refuse(late < 0 || late > took.Truncate(time.Second)+time.Second, "its exp is %s, the API server says %s", stamp(d.Expires), stamp(granted))
	life := d.Expires.Sub(d.IssuedAt)
	refuse(life > asked, "it lives %s, longer than asked", life)
	refuse(life <= 0, "it is never valid: iat %s, exp %s", stamp(d.IssuedAt), stamp(d.Expires))
	refuse(d.NotBefore.After(d.IssuedAt), "it is valid only from %s, after its iat %s", stamp(d.NotBefore), stamp(d.IssuedAt))
	return found
}

func expirationMinimum(ctx SpecContext) {
	account := signing.World(ctx)
	ask := func(life time.Duration) error {
		_, err := account.Request(ctx, cluster.TokenSpec{Audiences: []string{account.Of.Issuer}, Seconds: int64(life.Seconds())})
		return err
	}
	run.Step("the twin: a token for " + shortest.String() + " is granted")
	check.Prerequisite(ask(shortest), "the twin, which asks for the minimum")
	for _, life := range []time.Duration{shortest - time.Second, time.Minute, time.Second} {
		run.Step("refused: a token for " + life.String())
		check.NoError(mustBeTooShort(ask(life)), fmt.Sprintf("asking for a token that lives %s", life))
	}
}

// mustBeTooShort turns the refusal that is expected into no error, and a grant into one.
func mustBeTooShort(err error) error {
	switch {
	case err == nil:
		return errors.New("the API server granted it; it must refuse with 422 Invalid")
	case apierrors.IsInvalid(err):
		return nil
	}
	return err
}
