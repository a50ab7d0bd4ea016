package storage

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature Version 4 as the documentation of Object Storage and of AWS describe
// it (docs: "Signing requests"). No maintained library verifies it: signers are
// many, but a signer chooses its headers, and a server must take the client's.

const (
	algorithm   = "AWS4-HMAC-SHA256"
	amzTime     = "20060102T150405Z"
	maxSkew     = 15 * time.Minute
	maxPresign  = 7 * 24 * time.Hour
	unsignedSum = "UNSIGNED-PAYLOAD"
)

// signature is what a signed request says of itself.
type signature struct {
	keyID   string
	scope   string // date/region/service/aws4_request
	headers []string
	mac     string
	made    time.Time
	// expires is set for a presigned URL.
	expires time.Time
	// payload is the value that stands for the body in what was signed.
	payload string
}

// isSigned says whether a request claims to be signed.
func isSigned(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), algorithm) || r.URL.Query().Has("X-Amz-Signature")
}

// readSignature reads the signature of a header or of a presigned URL.
func readSignature(r *http.Request) (signature, *s3Error) {
	query := r.URL.Query()
	if !query.Has("X-Amz-Signature") {
		return readHeader(r)
	}
	s, err := newSignature(query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Signature"), query.Get("X-Amz-Date"))
	if err != nil {
		return s, err
	}
	seconds, perr := strconv.Atoi(query.Get("X-Amz-Expires"))
	if query.Get("X-Amz-Algorithm") != algorithm || perr != nil || seconds < 1 || seconds > int(maxPresign/time.Second) {
		return s, errBadQuery
	}
	s.expires, s.payload = s.made.Add(time.Duration(seconds)*time.Second), cmp.Or(r.Header.Get("X-Amz-Content-Sha256"), unsignedSum)
	return s, nil
}

func readHeader(r *http.Request) (signature, *s3Error) {
	fields := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), algorithm), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	s, err := newSignature(fields["Credential"], fields["SignedHeaders"], fields["Signature"], r.Header.Get("X-Amz-Date"))
	if err != nil {
		return s, err
	}
	if s.payload = r.Header.Get("X-Amz-Content-Sha256"); s.payload == "" {
		return s, errBadHeader
	}
	return s, nil
}

func newSignature(credential, headers, mac, date string) (signature, *s3Error) {
	keyID, scope, _ := strings.Cut(credential, "/")
	parts := strings.Split(scope, "/")
	made, err := time.Parse(amzTime, date)
	s := signature{keyID: keyID, scope: scope, headers: strings.Split(headers, ";"), mac: mac, made: made}
	if err != nil || keyID == "" || len(parts) != 4 || parts[0] != date[:8] || parts[2] != "s3" || parts[3] != "aws4_request" || !slices.Contains(s.headers, "host") {
		return s, errBadHeader
	}
	return s, nil
}

// check verifies the signature with the key's secret at now. It does not look at
// the body; the caller holds that against payload.
func (s signature) check(r *http.Request, secret string, now time.Time) *s3Error {
	switch {
	case s.expires.IsZero() && now.Sub(s.made).Abs() > maxSkew, !s.expires.IsZero() && s.made.Sub(now) > maxSkew:
		return errSkewed
	case !s.expires.IsZero() && now.After(s.expires):
		return errExpired
	}
	sum := sha256.Sum256([]byte(s.canonical(r)))
	toSign := strings.Join([]string{algorithm, s.made.Format(amzTime), s.scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(s.scope, "/") {
		key = mac(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(mac(key, toSign))), []byte(s.mac)) {
		return errMismatch
	}
	return nil
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// canonical is the request in the form that is signed.
func (s signature) canonical(r *http.Request) string {
	lines := []string{r.Method, escape(r.URL.Path, true), canonicalQuery(r.URL.Query())}
	for _, name := range s.headers {
		lines = append(lines, name+":"+headerValue(r, name))
	}
	return strings.Join(append(lines, "", strings.Join(s.headers, ";"), s.payload), "\n")
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host // the server takes it out of the headers
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	var values []string
	for _, v := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(values, ",")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, v := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, escape(name, false)+"="+escape(v, false))
		}
	}
	return strings.Join(pairs, "&")
}

// escape is the URI encoding that is signed: all but RFC 3986's unreserved
// characters, and a path's slashes.
func escape(s string, path bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0, path && c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	if path && b.Len() == 0 {
		return "/"
	}
	return b.String()
}
