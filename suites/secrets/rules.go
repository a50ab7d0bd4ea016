package secrets

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A secret", func() {
	It("has at most 64 KB of values", check.Decides(conformance.SecretsPayloadSizeLimit), limit(), payloadSizeLimit)
	It("has keys of the documented characters", check.Decides(conformance.SecretsKeyPattern), limit(), keyPattern)
})

// kilobyte is 1000 bytes: what is accepted, and what is refused, is so by either
// meaning of KB.
const kilobyte = 1000

// payloadSizeLimit knows no documented code for too many bytes in total: a limit
// may be RESOURCE_EXHAUSTED, too.
func payloadSizeLimit(ctx SpecContext) {
	of := func(bytes int) string { return strings.Repeat("x", bytes) }
	run.Step("the twin: 62 KB in two values are accepted")
	secret, err := create(ctx, textEntry("a", of(31*kilobyte)), textEntry("b", of(31*kilobyte)))
	check.Prerequisite(err, "the twin, which differs from the check in the length of its values alone")
	same(ctx, secret, "", secret.GetCurrentVersion().GetId(), values{"a": []byte(of(31 * kilobyte)), "b": []byte(of(31 * kilobyte))})
	calling.Refuse(func() error {
		_, err := create(ctx, textEntry("a", of(65537)))
		return err
	}, "a value has 65537 bytes", codes.InvalidArgument)
	limits := []codes.Code{codes.InvalidArgument, codes.ResourceExhausted, codes.FailedPrecondition, codes.OutOfRange}
	calling.Refuse(func() error {
		_, err = create(ctx, textEntry("a", of(34*kilobyte)), textEntry("b", of(34*kilobyte)))
		return err
	}, "two values have 68 KB together", limits...)
	calling.Observed(err)
}

func keyPattern(ctx SpecContext) {
	run.Step("the twin: a key of all documented characters is accepted")
	good := `aZ09-_./\@`
	secret, err := create(ctx, textEntry(good, canary()), textEntry(strings.Repeat("k", 256), canary()))
	check.Prerequisite(err, "the twin, which differs from the check in the key alone")
	same(ctx, secret, "", secret.GetCurrentVersion().GetId(), values{good: []byte(canary()), strings.Repeat("k", 256): []byte(canary())})
	for what, key := range map[string]string{
		"the key is empty":              "",
		"the key has 257 characters":    strings.Repeat("k", 257),
		"the key has a space":           "a b",
		"the key has a colon":           "a:b",
		"the key has a line break":      "ab\n",
		"the key has a letter like é":   "é",
		"the key has a sign like $":     "$a",
		"the key has square brackets":   "a[0]",
		"the key has a control code":    "a\x01",
		"the key has characters of SQL": "a';--",
	} {
		calling.Refuse(func() error {
			_, err := create(ctx, textEntry(key, canary()))
			return err
		}, what, codes.InvalidArgument)
	}
}
