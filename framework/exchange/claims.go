package exchange

import (
	"errors"
	"strings"
	"time"

	// Reads tokens on this side of the wire. The mock verifies them with another
	// library, so that the two sides cannot share a mistake.
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// Claims are what a federation looks at in a subject token. They are NOT
// verified: they explain a refusal, and decide nothing.
type Claims struct {
	Issuer    string
	Audience  []string
	Subject   string
	Expires   time.Time
	NotBefore time.Time
	IssuedAt  time.Time
	KeyID     string
	Algorithm string
}

// ReadClaims decodes a JWT without verifying it. The error does not quote the token.
func ReadClaims(token Token) (Claims, error) {
	text := strings.TrimSpace(token.Reveal())
	message, err := jws.ParseString(text)
	if err != nil || len(message.Signatures()) != 1 {
		return Claims{}, errors.New("the subject token is not a JWT in compact form")
	}
	parsed, err := jwt.ParseInsecure([]byte(text))
	if err != nil {
		return Claims{}, errors.New("the payload of the subject token is not a set of claims")
	}
	var c Claims
	c.Issuer, _ = parsed.Issuer()
	c.Audience, _ = parsed.Audience()
	c.Subject, _ = parsed.Subject()
	c.Expires, _ = parsed.Expiration()
	c.NotBefore, _ = parsed.NotBefore()
	c.IssuedAt, _ = parsed.IssuedAt()
	header := message.Signatures()[0].ProtectedHeaders()
	c.KeyID, _ = header.KeyID()
	if algorithm, ok := header.Algorithm(); ok {
		c.Algorithm = algorithm.String()
	}
	return c, nil
}
