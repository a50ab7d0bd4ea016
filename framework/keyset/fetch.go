package keyset

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxDocument bounds, in bytes, what is read of a document.
const maxDocument = 1 << 20

// Document is what an address answered, whatever the status.
type Document struct {
	URL    string
	Status int
	// MediaType is the content type without its parameters, in lower case.
	MediaType string
	Body      []byte
}

// UnavailableError means that nothing is known of a document: there was no answer, or
// the server failed (5xx) or was too busy (429).
type UnavailableError struct {
	URL string
	Err error
}

// Error names the address and the cause.
func (e *UnavailableError) Error() string { return fmt.Sprintf("fetching %s: %v", e.URL, e.Err) }

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Fetch gets a document over HTTPS without credentials. It follows no redirect: a
// verifier need not either. The error is an *UnavailableError, or says what is wrong
// with the address or its certificate.
func Fetch(ctx context.Context, address string) (Document, error) {
	return fetch(ctx, &http.Client{}, address)
}

func fetch(ctx context.Context, client *http.Client, address string) (Document, error) {
	if !isHTTPS(address) {
		return Document{}, fmt.Errorf("fetching %q: it is no https URL", address)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Document{}, fmt.Errorf("fetching %q: %w", address, err)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(request)
	if err != nil {
		var untrusted *tls.CertificateVerificationError
		if errors.As(err, &untrusted) {
			return Document{}, fmt.Errorf("fetching %s: %w", address, untrusted)
		}
		return Document{}, &UnavailableError{address, errors.Unwrap(err)}
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests {
		return Document{}, &UnavailableError{address, errors.New("the server answered " + answer.Status)}
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	switch {
	case err != nil:
		return Document{}, &UnavailableError{address, err}
	case len(body) > maxDocument:
		return Document{}, fmt.Errorf("fetching %s: the document has more than %d bytes", address, maxDocument)
	}
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return Document{URL: address, Status: answer.StatusCode, MediaType: media, Body: body}, nil
}

func isHTTPS(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && parsed.Scheme == "https" && parsed.Host != ""
}
