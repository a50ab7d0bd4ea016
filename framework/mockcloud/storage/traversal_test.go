package storage_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	storagepb "github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// TestPathsLeadNowhereElse: a path names an object of the bucket that it begins with,
// and a file of nobody's.
func TestPathsLeadNowhereElse(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir)
	c.bucket(&storagepb.CreateBucketRequest{Name: "open", AnonymousAccessFlags: &storagepb.AnonymousAccessFlags{Read: wrapperspb.Bool(true)}})
	c.bucket(&storagepb.CreateBucketRequest{Name: "closed"})
	const secret = "what the closed bucket holds"
	put := func(bucket, key, body string) {
		t.Helper()
		if _, err := c.client("YCAeditor").PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: strings.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
	}
	put("closed", "key", secret)
	put("open", "key", "what everybody may read")
	// The path is sent as it stands here: clients would tidy it up.
	get := func(path string) (int, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL = &url.URL{Scheme: "https", Host: req.URL.Host, Opaque: path}
		resp, err := c.server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, body
	}
	if status, _ := get("/open/key"); status != http.StatusOK {
		t.Fatalf("the open bucket answers %d", status)
	}
	for _, path := range []string{
		"/open/../closed/key", "/open/%2e%2e/closed/key", "/open/..%2fclosed%2fkey", "/open/.%2e/closed/key", "/open//../closed/key",
		"//closed/key", "/./closed/key", "/../closed/key", "/open/../../../../../../etc/hostname", "/open/%2e%2e%2f%2e%2e%2fobjects.db",
	} {
		if status, body := get(path); status < 400 || status > 499 || bytes.Contains(body, []byte(secret)) {
			t.Errorf("%s is answered %d: %.60q", path, status, body)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Name() != "objects.db" {
		t.Errorf("the storage made files of its own: %v", files)
	}
	put("open", "../../outside", "x")
	if _, err := os.Stat(dir + "/../../outside"); err == nil {
		t.Error("an object's key became a file's path")
	}
}
