package storage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	// The SDK of the documentation's examples: a client and a signer that are not ours.
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	storagepb "github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/storage"
)

func TestSignaturesAreVerified(t *testing.T) {
	c := start(t, "")
	c.bucket(&storagepb.CreateBucketRequest{Name: "issuer"})
	in := &s3.GetObjectInput{Bucket: aws.String("issuer"), Key: aws.String("k")}
	if _, err := c.client("YCAeditor").PutObject(t.Context(), put("issuer", "k", "v")); err != nil {
		t.Fatal(err)
	}
	c.refused(err2(c.client("YCAnobody").GetObject(t.Context(), in)), "InvalidAccessKeyId", "signature:key")
	wrong := c.client("YCAeditor", func(o *s3.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "YCAeditor", SecretAccessKey: "wrong"}, nil
		})
	})
	c.refused(err2(wrong.GetObject(t.Context(), in)), "SignatureDoesNotMatch", "signature:mismatch")

	signer := s3.NewPresignClient(c.client("YCAeditor"))
	url, err := signer.PresignGetObject(t.Context(), in, s3.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(url.URL, c.server.URL)
	if code, body, _ := c.get("GET", path, ""); code != 200 || body != "v" {
		t.Errorf("presigned: %d %s", code, body)
	}
	for name, x := range map[string]struct{ path, text, reason string }{
		"another key":     {strings.Replace(path, "/k?", "/other?", 1), "SignatureDoesNotMatch", "signature:mismatch"},
		"longer":          {strings.Replace(path, "X-Amz-Expires=60", "X-Amz-Expires=61", 1), "SignatureDoesNotMatch", "signature:mismatch"},
		"too long":        {strings.Replace(path, "X-Amz-Expires=60", "X-Amz-Expires=604801", 1), "AuthorizationQueryParametersError", "signature:malformed"},
		"another service": {strings.Replace(path, "%2Fs3%2F", "%2Fec2%2F", 1), "AuthorizationHeaderMalformed", "signature:malformed"},
		"no date":         {strings.Replace(path, "X-Amz-Date", "X-Amz-Nothing", 1), "AuthorizationHeaderMalformed", "signature:malformed"},
		"one more query":  {path + "&a=b", "SignatureDoesNotMatch", "signature:mismatch"},
	} {
		if code, body, _ := c.get("GET", x.path, ""); code < 400 || !strings.Contains(body, x.text) || c.LastReason() != x.reason {
			t.Errorf("%s: %d %s (%s)", name, code, body, c.LastReason())
		}
	}
	if code, body, _ := c.get("GET", "/issuer/k", "", "Authorization", "Basic eDp5"); code != 400 {
		t.Errorf("%d %s", code, body)
	}
}

func TestTokensAndRoles(t *testing.T) {
	c := start(t, "")
	c.bucket(&storagepb.CreateBucketRequest{Name: "issuer"})
	if _, err := c.client("YCAeditor").PutObject(t.Context(), put("issuer", "k", "v")); err != nil {
		t.Fatal(err)
	}
	for role, x := range map[string]struct {
		code   int
		reason string
	}{
		"storage.viewer":   {200, ""},
		"storage.uploader": {403, "permission:storage.objects.get"},
		"lockbox.admin":    {403, "permission:storage.objects.get"},
	} {
		token := c.Token(c.Subject(role))
		for _, header := range [][]string{{"Authorization", "Bearer " + token}, {"X-YaCloud-SubjectToken", token}} {
			if code, body, _ := c.get("GET", "/issuer/k", "", header...); code != x.code || c.LastReason() != x.reason {
				t.Errorf("%s by %s: %d %s (%s)", role, header[0], code, body, c.LastReason())
			}
		}
	}
	if code, _, _ := c.get("GET", "/issuer/k", "", "Authorization", "Bearer t1.no.token"); code != 403 || c.LastReason() != "token" {
		t.Errorf("%d %s", code, c.LastReason())
	}
	c.keys["YCAviewer"] = c.Subject("storage.viewer")
	c.refused(err2(c.client("YCAviewer").PutObject(t.Context(), put("issuer", "k", "v"))), "AccessDenied", "permission:storage.objects.put")
	c.keys["YCAuploader"] = c.Subject("storage.uploader")
	c.refused(err2(c.client("YCAuploader").CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("issuer"), Key: aws.String("c"), CopySource: aws.String("issuer/k")})), "AccessDenied", "permission")
}

func TestStrangersReadOnlyWhatIsPublic(t *testing.T) {
	c := start(t, "")
	c.bucket(&storagepb.CreateBucketRequest{Name: "private"})
	c.bucket(&storagepb.CreateBucketRequest{Name: "flagged", AnonymousAccessFlags: &storagepb.AnonymousAccessFlags{Read: wrapperspb.Bool(true)}})
	c.bucket(&storagepb.CreateBucketRequest{Name: "granted", Acl: &storagepb.ACL{Grants: []*storagepb.ACL_Grant{
		{Permission: storagepb.ACL_Grant_PERMISSION_READ, GrantType: storagepb.ACL_Grant_GRANT_TYPE_ALL_USERS},
	}}})
	client := c.client("YCAeditor")
	for _, bucket := range []string{"private", "flagged", "granted"} {
		if _, err := client.PutObject(t.Context(), put(bucket, "d/k", "v")); err != nil {
			t.Fatal(err)
		}
	}
	public := put("private", "public", "v")
	public.ACL = types.ObjectCannedACLPublicRead
	if _, err := client.PutObject(t.Context(), public); err != nil {
		t.Fatal(err)
	}
	check := func(method, path, host string, code int, text string) {
		t.Helper()
		if got, body, headers := c.get(method, path, host); got != code || !strings.Contains(body, text) || headers.Get("X-Amz-Request-Id") == "" {
			t.Errorf("%s %s%s: %d %s %v", method, host, path, got, body, headers)
		}
	}
	check("GET", "/private/d/k", "", 403, "<Code>AccessDenied</Code>")
	check("GET", "/private/nothing", "", 403, "AccessDenied")
	check("HEAD", "/private/d/k", "", 403, "")
	check("GET", "/private/public", "", 200, "v")
	check("PUT", "/private/public", "", 403, "AccessDenied")
	check("GET", "/flagged/d/k", "", 200, "v")
	check("GET", "/flagged/nothing", "", 404, "NoSuchKey")
	check("GET", "/flagged", "", 403, "AccessDenied")
	check("DELETE", "/flagged/d/k", "", 403, "AccessDenied")
	check("GET", "/granted", "", 200, "<Key>d/k</Key>")
	check("GET", "/nobodys/k", "", 404, "NoSuchBucket")
	check("GET", "/d/k", "flagged.storage.yandexcloud.net", 200, "v")
	check("GET", "/d/k", "flagged.storage.yandexcloud.net:443", 200, "v")
	check("GET", "/flagged/d/k", "storage.yandexcloud.net", 200, "v")
	check("GET", "/", "", 403, "AccessDenied")
	check("PATCH", "/flagged/d/k", "", 405, "MethodNotAllowed")
	for _, left := range storage.AllLeftOut() {
		if left.Why == "" {
			t.Errorf("%s is left out, and nobody has said why", left.What)
		}
		if parameter, ok := strings.CutPrefix(left.What, "?"); ok {
			check("GET", "/flagged/d/k?"+parameter, "", 501, left.Why)
		}
	}

	if _, err := client.PutObjectAcl(t.Context(), &s3.PutObjectAclInput{Bucket: aws.String("private"), Key: aws.String("public"), ACL: types.ObjectCannedACLPrivate}); err != nil {
		t.Fatal(err)
	}
	check("GET", "/private/public", "", 403, "AccessDenied")
	if _, err := client.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: aws.String("private"), ACL: types.BucketCannedACLPublicRead}); err != nil {
		t.Fatal(err)
	}
	check("GET", "/private/public", "", 200, "v")
}

func TestPublishedFilesAreForEveryone(t *testing.T) {
	const bucket, key = "mk8s-oidc", "v1/clusters/cat123/jwks.json"
	c := start(t, "")
	if err := c.storage.Publish(bucket, key, "application/json", []byte(`{"keys":[]}`)); err != nil {
		t.Fatal(err)
	}
	code, body, headers := c.get("GET", "/"+bucket+"/"+key, "storage.yandexcloud.net")
	if code != 200 || body != `{"keys":[]}` || headers.Get("Content-Type") != "application/json" || headers.Get("ETag") == "" {
		t.Errorf("%d %s %v", code, body, headers)
	}
	if err := c.storage.Withhold(bucket, key); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := c.get("GET", "/"+bucket+"/"+key, ""); code != 403 {
		t.Errorf("withheld: %d", code)
	}
	if err := c.storage.Publish(bucket, key, "application/json", []byte(`{"keys":[1]}`)); err != nil {
		t.Fatal(err)
	}
	if _, body, _ := c.get("GET", "/"+bucket+"/"+key, ""); body != `{"keys":[1]}` {
		t.Errorf("%s", body)
	}
	c.refused(err2(c.client("YCAeditor").PutObject(t.Context(), put(bucket, key, "v"))), "AccessDenied", "permission")
	if code, _, _ := c.get("GET", "/"+bucket, ""); code != 403 {
		t.Errorf("the list: %d", code)
	}
	for _, m := range c.K.Store.Inventory() {
		if m.Type == storage.KindBucket {
			t.Errorf("%s is in the inventory", m.ID)
		}
	}
	c.K.Settings.Change(func(s *settings.Settings) {
		s.Faults = []settings.Fault{{Method: "storage/GetObject", Calls: 1, Code: "UNAVAILABLE", Message: "outage"}}
	})
	if code, _, _ := c.get("GET", "/"+bucket+"/"+key, ""); code != 503 || c.LastReason() != "fault" {
		t.Errorf("%d %s", code, c.LastReason())
	}
	if err := c.storage.Unpublish(bucket, key); err != nil {
		t.Fatal(err)
	}
	if code, body, _ := c.get("GET", "/"+bucket+"/"+key, ""); code != 404 || !strings.Contains(body, "NoSuchKey") {
		t.Errorf("%d %s", code, body)
	}
	if err := c.storage.Unpublish("mk8s-none", key); err != nil {
		t.Error(err)
	}
}
