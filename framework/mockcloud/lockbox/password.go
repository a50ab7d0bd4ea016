package lockbox

import (
	"crypto/rand"
	"math/big"
	"strings"

	lockboxpb "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	// defaultLength: the proto says only that "a reasonable length will be decided".
	defaultLength = 24
)

// generate makes a password with at least one character of every class that is
// included; each is by default (PasswordPayloadSpecification).
func generate(spec *lockboxpb.PasswordPayloadSpecification) (string, error) {
	const field = "password_payload_specification"
	included := func(b *wrapperspb.BoolValue) bool { return b == nil || b.Value }
	var classes []string
	for _, c := range []struct {
		in    bool
		chars string
	}{
		{included(spec.IncludeUppercase), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		{included(spec.IncludeLowercase), "abcdefghijklmnopqrstuvwxyz"},
		{included(spec.IncludeDigits), "0123456789"},
	} {
		if c.in {
			classes = append(classes, c.chars)
		}
	}
	if included(spec.IncludePunctuation) {
		marks, err := marks(spec)
		if err != nil {
			return "", err
		}
		classes = append(classes, marks)
	}
	length := int(spec.Length)
	if length == 0 {
		length = defaultLength
	}
	if len(classes) == 0 {
		return "", invalid(field, "At least one class of characters must be included")
	}
	if length < len(classes) {
		return "", invalid(field+".length", "Value is less than the number of classes of characters")
	}
	out := make([]byte, length)
	all := strings.Join(classes, "")
	for i := range out {
		from := all
		if i < len(classes) {
			from = classes[i]
		}
		out[i] = from[below(len(from))]
	}
	for i := len(out) - 1; i > 0; i-- {
		j := below(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return string(out), nil
}

func marks(spec *lockboxpb.PasswordPayloadSpecification) (string, error) {
	const field = "password_payload_specification."
	switch in, ex := spec.IncludedPunctuation, spec.ExcludedPunctuation; {
	case in != "" && ex != "":
		return "", invalid(field+"included_punctuation", "Cannot be set together with excluded_punctuation")
	case strings.Trim(in+ex, punctuation) != "":
		return "", invalid(field+"included_punctuation", "Only punctuation characters are allowed")
	case in != "":
		return in, nil
	default:
		left := strings.Map(func(r rune) rune {
			if strings.ContainsRune(ex, r) {
				return -1
			}
			return r
		}, punctuation)
		return left, nil
	}
}

func below(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return int(i.Int64())
}
