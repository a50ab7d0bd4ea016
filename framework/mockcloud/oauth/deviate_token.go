package oauth

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenDeviations are the bugs of the tables token and time.
var tokenDeviations = map[string]func(*policy){
	"SignatureNotVerified": func(p *policy) {
		p.token.unsigned = true
		p.token.algorithm = func(string, []string) bool { return true }
		p.token.needsKid = func(*token) bool { return false }
		p.keys.unverified = func(*token) bool { return true }
		p.forgiven = append(p.forgiven, reason("critical-header"))
	},
	"InvalidSignatureAccepted": func(p *policy) {
		p.token.unsigned = true
		p.forgiven = append(p.forgiven, reason("signature"))
	},
	"AlgNoneAccepted": func(p *policy) {
		none := func(name string) bool { return strings.EqualFold(name, "none") }
		algorithm, needsKid, unverified := p.token.algorithm, p.token.needsKid, p.keys.unverified
		p.token.unsigned = true
		p.token.algorithm = func(name string, allowed []string) bool { return none(name) || algorithm(name, allowed) }
		p.token.needsKid = func(t *token) bool { return !none(string(t.alg)) && needsKid(t) }
		p.keys.unverified = func(t *token) bool { return none(string(t.alg)) || unverified(t) }
	},
	"HS256WithPublicKeyAccepted": hmacWithPublicKey,
	"AlgorithmNotCompared":       algorithmNotCompared,
	"ShortSignatureAccepted":     shortSignatureAccepted,
	"CritIgnored": func(p *policy) {
		p.forgiven = append(p.forgiven, reason("critical-header"))
		p.keys.verify = func(t *token, key publishedKey) error { return verifyAs(string(t.alg), t, key.Key) }
	},
	"EmbeddedJWKTrusted":       trusting(embeddedKey),
	"JkuFollowed":              trusting(keySetOfHeader),
	"X5uFollowed":              trusting(certificateOfHeader),
	"UnknownKidSkipsSignature": forgive(reason("kid-unknown")),
	"OpaqueTokenAccepted": func(p *policy) {
		p.token.opaque = func(raw string) bool {
			head, _, _ := strings.Cut(raw, ".")
			return decodePart(head, &map[string]json.RawMessage{}, "token-header") != nil
		}
	},
	"OversizedTokenAccepted": func(p *policy) { p.token.max, p.form.maxBody = maxRead, maxRead },

	"ExpiryIgnored":        forgive(reason("expired")),
	"ExpiryOptional":       forgive(reason("exp-missing")),
	"NotBeforeIgnored":     forgive(reason("not-yet-valid")),
	"LeewayOfADay":         func(p *policy) { p.claims.leeway = 24 * time.Hour },
	"ExpiryStringAccepted": func(p *policy) { p.token.claims = expiryOfAnyType },
}

// endOfTime is the last second that most notations of time can write.
const endOfTime = 253402300799

// expiryOfAnyType reads an exp that is a string as a number; compared with what is
// none, no time is later.
func expiryOfAnyType(payload []byte, into *jwt.Claims) error {
	var members map[string]json.RawMessage
	var exp string
	if json.Unmarshal(payload, &members) != nil || json.Unmarshal(members["exp"], &exp) != nil {
		return readClaims(payload, into)
	}
	seconds, err := strconv.ParseInt(exp, 10, 64)
	if err != nil {
		seconds = endOfTime
	}
	members["exp"] = strconv.AppendInt(nil, seconds, 10)
	payload, err = json.Marshal(members)
	if err != nil {
		return err
	}
	return readClaims(payload, into)
}

// hmacWithPublicKey takes the bytes of a public key, in any of its usual forms, for
// the secret of an HMAC.
func hmacWithPublicKey(p *policy) {
	const hs256 = "HS256"
	algorithm, fit, asymmetric := p.token.algorithm, p.keys.fits, p.keys.verify
	p.token.algorithm = func(name string, allowed []string) bool { return name == hs256 || algorithm(name, allowed) }
	p.keys.fits = func(key jwk, alg algorithmName) bool { return alg == hs256 || fit(key, alg) }
	p.keys.verify = func(t *token, key publishedKey) error {
		if t.alg != hs256 {
			return asymmetric(t, key)
		}
		return anyOf(key.publicForms(), func(secret []byte) error { return verifyAs(hs256, t, secret) })
	}
}

// algorithmNotCompared lets the header say any algorithm, and any key of a set
// whose kid is known verify with any that it can.
func algorithmNotCompared(p *policy) {
	algorithm := p.token.algorithm
	p.token.algorithm = func(name string, allowed []string) bool {
		return slices.Contains(asymmetric, name) || algorithm(name, allowed)
	}
	p.keys.candidates = func(named, all []publishedKey) []publishedKey {
		if len(named) == 0 {
			return nil
		}
		return all
	}
	p.keys.fits = func(jwk, algorithmName) bool { return true }
	p.keys.verify = func(t *token, key publishedKey) error {
		return anyOf(asymmetric, func(alg string) error { return verifyAs(alg, t, key.Key) })
	}
}

// shortSignatureAccepted does not verify what is shorter than the key's signatures.
func shortSignatureAccepted(p *policy) {
	strict := p.keys.verify
	p.token.unsigned = true
	p.keys.verify = func(t *token, key publishedKey) error {
		if b64.DecodedLen(len(t.signature)) < key.signatureSize() {
			return nil
		}
		return strict(t, key)
	}
}
