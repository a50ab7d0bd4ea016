package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Subject is who makes a call.
type Subject struct {
	// Type is userAccount or serviceAccount (access.proto, Subject.type).
	Type string `json:"type"`
	ID   string `json:"id"`
}

// IsZero says that nobody is meant.
func (s Subject) IsZero() bool { return s == Subject{} }

// The subject types.
const (
	UserAccount    = "userAccount"
	ServiceAccount = "serviceAccount"
)

// Why a token is not accepted. The texts are the ones seen in public logs of the
// real cloud.
var (
	ErrTokenInvalid = errors.New("The token is invalid")  //nolint:staticcheck // what goes over the wire
	ErrTokenExpired = errors.New("The token has expired") //nolint:staticcheck // what goes over the wire
	// ErrTokenRevoked is told apart in the audit log alone.
	ErrTokenRevoked = fmt.Errorf("%w", ErrTokenInvalid)
)

// Tokens mints and reads IAM tokens: t1.<payload>.<64 byte MAC>, the documented
// form `t1\.[A-Z0-9a-z_-]+[=]{0,2}\.[A-Z0-9a-z_-]{86}[=]{0,2}`. They carry their
// subject, so a restart of the mock invalidates nothing but the revoked.
type Tokens struct {
	keys    *state.Records[[]byte]
	revoked *state.Records[time.Time]
}

type tokenPayload struct {
	ID      string  `json:"i"`
	Subject Subject `json:"s"`
	Expires int64   `json:"e"`
}

// NewTokens keeps its key and the revocations in s.
func NewTokens(s *state.Store) *Tokens {
	t := &Tokens{keys: state.NewRecords[[]byte](s, "iam.tokenKey"), revoked: state.NewRecords[time.Time](s, "iam.revokedTokens")}
	_ = t.keys.Change("key", func(old []byte) ([]byte, error) {
		if old == nil {
			old = []byte(rand.Text() + rand.Text())
		}
		return old, nil
	})
	return t
}

var b64 = base64.RawURLEncoding

// Mint makes a token that ends at expires.
func (t *Tokens) Mint(subject Subject, expires time.Time) string {
	raw, _ := json.Marshal(tokenPayload{ID: rand.Text(), Subject: subject, Expires: expires.Unix()}) // strings and numbers always marshal
	body := "t1." + b64.EncodeToString(raw)
	return body + "." + b64.EncodeToString(t.mac(body))
}

func (t *Tokens) mac(body string) []byte {
	key, _ := t.keys.Get("key")
	m := hmac.New(sha512.New, key)
	m.Write([]byte(body))
	return m.Sum(nil)
}

// Reading is what is looked at when a token is read.
type Reading struct{ Signed, Timely, Unrevoked bool }

// StrictReading looks at everything.
func StrictReading() Reading { return Reading{Signed: true, Timely: true, Unrevoked: true} }

// Read returns the subject of a token that is good at now.
func (t *Tokens) Read(token string, now time.Time) (Subject, error) {
	return t.ReadAs(token, now, StrictReading())
}

// ReadAs is Read that looks at less.
func (t *Tokens) ReadAs(token string, now time.Time, how Reading) (Subject, error) {
	p, err := t.parse(token, how.Signed)
	if err != nil {
		return Subject{}, err
	}
	if how.Timely && now.Unix() >= p.Expires {
		return Subject{}, ErrTokenExpired
	}
	if _, revoked := t.revoked.Get(p.ID); revoked && how.Unrevoked {
		return Subject{}, ErrTokenRevoked
	}
	return p.Subject, nil
}

// Revoke ends a token and returns whose it was.
func (t *Tokens) Revoke(token string, now time.Time) (Subject, error) {
	p, err := t.parse(token, true)
	if err != nil {
		return Subject{}, err
	}
	t.revoked.Put(p.ID, now)
	return p.Subject, nil
}

func (t *Tokens) parse(token string, signed bool) (tokenPayload, error) {
	var p tokenPayload
	i := strings.LastIndexByte(token, '.')
	if i < 0 || !strings.HasPrefix(token, "t1.") || i < len("t1.") {
		return p, ErrTokenInvalid
	}
	mac, err := b64.DecodeString(token[i+1:])
	if signed && (err != nil || !hmac.Equal(mac, t.mac(token[:i]))) {
		return p, ErrTokenInvalid
	}
	raw, err := b64.DecodeString(token[len("t1."):i])
	if err != nil || json.Unmarshal(raw, &p) != nil {
		return p, ErrTokenInvalid
	}
	return p, nil
}
