package objectstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/objectstore"
)

const canary = "t1.canary-of-the-object-store"

// serve starts a storage that answers with handler, and a client of it.
func serve(t *testing.T, handler http.HandlerFunc) *objectstore.Client {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	c, err := objectstore.New(objectstore.Options{Endpoint: server.URL, Token: giving(canary), UserAgent: "tester/1", HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func giving(token string) func(context.Context) (cloud.Token, error) {
	return func(context.Context) (cloud.Token, error) { return cloud.Token{Value: config.NewSecret(token)}, nil }
}

// The request is the documentation's: PUT, the token, the body as it is. What the
// environment has for another cloud does not matter.
func TestPut(t *testing.T) {
	for name, value := range map[string]string{"AWS_CA_BUNDLE": "/nowhere", "AWS_ENDPOINT_URL": "https://nowhere.example.com", "AWS_ENDPOINT_URL_S3": "https://nowhere.example.com",
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_PROFILE": "nobody", "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_SUPPORTED"} {
		t.Setenv(name, value)
	}
	body := []byte(`{"keys":[]}`)
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || string(got) != string(body) || r.Method != http.MethodPut || r.URL.Path != "/bucket/a folder/jwks.json" {
			t.Errorf("%s %s: %q, %v", r.Method, r.URL.Path, got, err)
		}
		want := map[string]string{"Authorization": "Bearer " + canary, "Content-Type": "application/json", "User-Agent": "tester/1",
			"Content-Encoding": "", "X-Amz-Trailer": "", "X-Amz-Sdk-Checksum-Algorithm": ""}
		for name, value := range want {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	})
	url, err := c.Put(t.Context(), "bucket", "a folder/jwks.json", "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(url, "/bucket/a%20folder/jwks.json") || !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Errorf("the URL is %s", url)
	}
}

func TestEmptyReadsAllPages(t *testing.T) {
	var deleted []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodDelete:
			deleted = append(deleted, r.URL.Path)
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Query().Get("continuation-token") == "":
			_, _ = fmt.Fprint(w, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken><Contents><Key>a</Key></Contents></ListBucketResult>`)
		default:
			_, _ = fmt.Fprint(w, `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>b/c</Key></Contents></ListBucketResult>`)
		}
	})
	if err := c.Empty(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/bucket/a", "/bucket/b/c"}; !slices.Equal(deleted, want) {
		t.Errorf("deleted %q, want %q", deleted, want)
	}
}

func TestAnswersAreClassed(t *testing.T) {
	denied := `<Error><Code>AccessDenied</Code><Message>Access Denied for ` + canary + `</Message></Error>`
	for _, tc := range []struct {
		status  int
		body    string
		code    codes.Code
		class   cloud.Class
		message string
	}{
		{400, `<Error><Code>InvalidArgument</Code><Message>m</Message></Error>`, codes.InvalidArgument, cloud.ClassInvalid, "InvalidArgument: m"},
		{401, ``, codes.Unauthenticated, cloud.ClassUnauthenticated, "Unauthorized"},
		{403, denied, codes.PermissionDenied, cloud.ClassPermission, "AccessDenied: Access Denied for [redacted]"},
		{404, `<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>`, codes.NotFound, cloud.ClassNotFound, "NoSuchBucket: m"},
		{409, `<Error><Code>BucketNotEmpty</Code><Message>m</Message></Error>`, codes.FailedPrecondition, cloud.ClassPermanent, "BucketNotEmpty: m"},
		{429, ``, codes.ResourceExhausted, cloud.ClassQuota, "Too Many Requests"},
		{501, `<html>`, codes.Internal, cloud.ClassRetryable, ""},
		{302, ``, codes.InvalidArgument, cloud.ClassInvalid, "Found"},
	} {
		t.Run(fmt.Sprint(tc.status), func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Amz-Request-Id", "request-1")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			_, err := c.Put(t.Context(), "bucket", "key", "text/plain", nil)
			var failed *cloud.Error
			if !errors.As(err, &failed) {
				t.Fatalf("no *cloud.Error: %v", err)
			}
			if failed.Code != tc.code || failed.Class != tc.class || failed.Method != "storage/PutObject" || failed.RequestID != "request-1" || !strings.Contains(failed.Message, tc.message) {
				t.Errorf("got %+v", failed)
			}
			if strings.Contains(err.Error(), canary) {
				t.Error("the error has the token")
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithTimeout(t.Context(), 0)
	defer stop()
	for _, tc := range []struct {
		ctx  context.Context
		code codes.Code
	}{{t.Context(), codes.Unavailable}, {cancelled, codes.Canceled}, {late, codes.DeadlineExceeded}} {
		var failed *cloud.Error
		if err := c.Delete(tc.ctx, "bucket", "key"); !errors.As(err, &failed) || failed.Code != tc.code || failed.Class != cloud.ClassTransport {
			t.Errorf("want %s, have %v", tc.code, err)
		}
	}
}

// A redirect is an answer, and never followed: the request carries a token.
func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer elsewhere.Close()
	server := httptest.NewTLSServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	c, err := objectstore.New(objectstore.Options{Endpoint: server.URL, Token: giving(canary), HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	var failed *cloud.Error
	if err := c.Delete(t.Context(), "bucket", "key"); !errors.As(err, &failed) || failed.Code != codes.InvalidArgument {
		t.Errorf("have %v", err)
	}
}

// A token that cannot be had is told as what it is.
func TestNoToken(t *testing.T) {
	no := cloud.NewError("yandex.cloud.iam.v1.IamTokenService/Create", codes.PermissionDenied, "no", "", nil)
	c, err := objectstore.New(objectstore.Options{Endpoint: "https://127.0.0.1", Token: func(context.Context) (cloud.Token, error) { return cloud.Token{}, no }})
	if err != nil {
		t.Fatal(err)
	}
	var failed *cloud.Error
	if err := c.Delete(t.Context(), "bucket", "key"); !errors.As(err, &failed) || failed.Method != no.Method {
		t.Errorf("have %v", err)
	}
}

func TestWrongEndpointsAreRefused(t *testing.T) {
	for _, endpoint := range []string{"", "storage.example.com", "http://storage.example.com", "https://", ":"} {
		if _, err := objectstore.New(objectstore.Options{Endpoint: endpoint}); err == nil || !strings.Contains(err.Error(), "storage_endpoint") {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}
