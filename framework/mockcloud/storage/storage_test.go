package storage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	// The SDK of the documentation's examples: a client and a signer that are not ours.
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	storagepb "github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gatetest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/storage"
)

type fakeKeys map[string]access.Subject

// SecretOf: the secret is "secret-of-" and the key's id.
func (f fakeKeys) SecretOf(id string) (string, access.Subject, bool) {
	s, ok := f[id]
	return "secret-of-" + id, s, ok
}

type tokens struct{ k *kernel.Kernel }

func (t tokens) Authenticate(token string) (access.Subject, error) {
	return t.k.Tokens.Read(token, t.k.Clock.Now())
}

type cloud struct {
	*gatetest.Cloud
	t       *testing.T
	storage *storage.Storage
	keys    fakeKeys
	server  *httptest.Server
	buckets storagepb.BucketServiceClient
	editor  access.Subject
}

func start(t *testing.T, dir string) *cloud {
	c := &cloud{t: t, keys: fakeKeys{}}
	c.Cloud = gatetest.Start(t, func(k *kernel.Kernel) []kernel.Service {
		var err error
		if c.storage, err = storage.New(k, c.keys, tokens{k}, dir); err != nil {
			t.Fatal(err)
		}
		return c.storage.Services()
	})
	c.server = httptest.NewTLSServer(c.storage.Handler())
	t.Cleanup(func() {
		c.server.Close()
		if err := c.storage.Close(); err != nil {
			t.Error(err)
		}
	})
	c.buckets = storagepb.NewBucketServiceClient(c.Conn)
	c.editor = c.Subject("storage.editor")
	c.keys["YCAeditor"] = c.editor
	return c
}

func (c *cloud) client(keyID string, change ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		Region: "ru-central1", BaseEndpoint: aws.String(c.server.URL), UsePathStyle: true, HTTPClient: c.server.Client(), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: keyID, SecretAccessKey: "secret-of-" + keyID}, nil
		}),
	}, change...)
}

func (c *cloud) bucket(req *storagepb.CreateBucketRequest) {
	c.t.Helper()
	req.FolderId = c.Folder
	op, err := c.buckets.Create(c.As(c.editor), req)
	gatetest.Done[*storagepb.Bucket](c.t, op, err)
}

// get reads without a signature; headers are name, value, ...
func (c *cloud) get(method, path, host string, headers ...string) (int, string, http.Header) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Host = host
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.server.Client().Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

// refused checks the code of an S3 error and the audited reason.
func (c *cloud) refused(err error, code, reason string) {
	c.t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || c.LastReason() != reason {
		c.t.Errorf("got %v for %q, want %s for %q", err, c.LastReason(), code, reason)
	}
}

func put(bucket, key, body string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body), ContentType: aws.String("application/json")}
}

func TestObjectsWithTheSDK(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			c := start(t, dir)
			c.bucket(&storagepb.CreateBucketRequest{Name: "issuer"})
			client := c.client("YCAeditor")
			const key = "a b/ключ+1.json"
			if _, err := client.PutObject(t.Context(), put("issuer", key, `{"keys":[]}`)); err != nil {
				t.Fatal(err)
			}
			got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("issuer"), Key: aws.String(key)})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(got.Body)
			if err != nil || string(body) != `{"keys":[]}` || *got.ContentType != "application/json" || got.ContentEncoding != nil {
				t.Errorf("got %q %v %v, %v", body, *got.ContentType, got.ContentEncoding, err)
			}
			list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("issuer"), Prefix: aws.String("a b/")})
			if err != nil || len(list.Contents) != 1 || *list.Contents[0].Key != key {
				t.Errorf("listed %v, %v", list, err)
			}
			c.refused(err2(client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("issuer")})), "BucketNotEmpty", "bucket-not-empty")
			if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("issuer"), Key: aws.String(key)}); err != nil {
				t.Error(err)
			}
			c.refused(err2(client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("issuer"), Key: aws.String(key)})), "NoSuchKey", "answer:404")
			if _, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("issuer")}); err != nil {
				t.Error(err)
			}
		})
	}
}

func err2[T any](_ T, err error) error { return err }

func TestMultipartAndCopy(t *testing.T) {
	c := start(t, "")
	c.bucket(&storagepb.CreateBucketRequest{Name: "issuer"})
	client, bucket, key := c.client("YCAeditor"), aws.String("issuer"), aws.String("big")
	up, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	part, err := client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(make([]byte, 6<<20))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{
		Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String("issuer/big")}); err != nil {
		t.Fatal(err)
	}
	head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("copy")})
	if err != nil || *head.ContentLength != 6<<20 {
		t.Errorf("%v, %v", head, err)
	}
	if got, err := c.buckets.GetStats(c.As(c.editor), &storagepb.GetBucketStatsRequest{Name: "issuer"}); err != nil || got.UsedSize != 12<<20 {
		t.Errorf("%v, %v", got, err)
	}
}

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
	check("GET", "/flagged/d/k?tagging", "", 501, "NotImplemented")

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

func TestBucketService(t *testing.T) {
	c := start(t, "")
	admin := c.With("storage.admin")
	c.bucket(&storagepb.CreateBucketRequest{Name: "issuer", Acl: &storagepb.ACL{}, Tags: []*storagepb.Tag{{Key: "a"}}})
	_, err := c.buckets.Create(admin, &storagepb.CreateBucketRequest{FolderId: c.Folder, Name: "issuer"})
	c.Refused(err, codes.AlreadyExists, "storage/bucket-exists")
	_, err = c.buckets.Create(admin, &storagepb.CreateBucketRequest{FolderId: c.Folder, Name: "No_Bucket"})
	c.Refused(err, codes.InvalidArgument, "storage/bucket-name")
	_, err = c.buckets.Create(c.With("storage.viewer"), &storagepb.CreateBucketRequest{FolderId: c.Folder, Name: "other"})
	c.Refused(err, codes.PermissionDenied, "permission:storage.buckets.create")

	op, err := c.buckets.Update(admin, &storagepb.UpdateBucketRequest{
		Name: "issuer", MaxSize: 5, AnonymousAccessFlags: &storagepb.AnonymousAccessFlags{Read: wrapperspb.Bool(true)},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"anonymous_access_flags.read"}},
	})
	if got := gatetest.Done[*storagepb.Bucket](t, op, err); !got.AnonymousAccessFlags.Read.Value || got.MaxSize != 0 {
		t.Errorf("updated %v", got)
	}
	basic, err := c.buckets.Get(admin, &storagepb.GetBucketRequest{Name: "issuer"})
	if err != nil || basic.Acl != nil || basic.Tags != nil || basic.FolderId != c.Folder || basic.ResourceId == "" {
		t.Errorf("%v, %v", basic, err)
	}
	if full, err := c.buckets.Get(admin, &storagepb.GetBucketRequest{Name: "issuer", View: storagepb.GetBucketRequest_VIEW_FULL}); err != nil || len(full.Tags) != 1 {
		t.Errorf("%v, %v", full, err)
	}
	list, err := c.buckets.List(admin, &storagepb.ListBucketsRequest{FolderId: c.Folder})
	if err != nil || len(list.Buckets) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	one := &accesspb.AccessBinding{RoleId: "storage.viewer", Subject: &accesspb.Subject{Id: "someone", Type: access.UserAccount}}
	op, err = c.buckets.SetAccessBindings(admin, &accesspb.SetAccessBindingsRequest{ResourceId: "issuer", AccessBindings: []*accesspb.AccessBinding{one}})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.buckets.UpdateAccessBindings(admin, &accesspb.UpdateAccessBindingsRequest{ResourceId: "issuer", AccessBindingDeltas: []*accesspb.AccessBindingDelta{
		{Action: accesspb.AccessBindingAction_REMOVE, AccessBinding: one},
	}})
	gatetest.Done[*emptypb.Empty](t, op, err)

	client := c.client("YCAeditor")
	if _, err := client.PutObject(t.Context(), put("issuer", "k", "v")); err != nil {
		t.Fatal(err)
	}
	_, err = c.buckets.Delete(admin, &storagepb.DeleteBucketRequest{Name: "issuer"})
	c.Refused(err, codes.FailedPrecondition, "storage/bucket-not-empty")
	if _, err := client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("issuer"), Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("k")}}}}); err != nil {
		t.Fatal(err)
	}
	op, err = c.buckets.Delete(admin, &storagepb.DeleteBucketRequest{Name: "issuer"})
	gatetest.Done[*emptypb.Empty](t, op, err)
	c.EveryOperationSeen()
}

func TestBucketsOverS3(t *testing.T) {
	c := start(t, "")
	accounts := state.NewTable[*iam.ServiceAccount](c.K.Store, "iam.serviceAccount")
	if err := accounts.Insert(&iam.ServiceAccount{Id: c.editor.ID, FolderId: c.Folder}, nil); err != nil {
		t.Fatal(err)
	}
	client := c.client("YCAeditor")
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("issuer"), ACL: types.BucketCannedACLPublicRead}); err != nil {
		t.Fatal(err)
	}
	c.refused(err2(client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("issuer")})), "BucketAlreadyExists", "bucket-exists")
	c.bucket(&storagepb.CreateBucketRequest{Name: "second"})
	list, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(list.Buckets) != 2 || *list.Buckets[0].Name != "issuer" {
		t.Errorf("%v, %v", list, err)
	}
	c.keys["YCAother"] = c.Subject()
	if list, err := c.client("YCAother").ListBuckets(t.Context(), &s3.ListBucketsInput{}); err != nil || len(list.Buckets) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	c.refused(err2(c.client("YCAother").CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("third")})), "AccessDenied", "permission:storage.buckets.create")
	if _, err := client.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("issuer")}); err != nil {
		t.Error(err)
	}
}

func TestObjectsOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	t.Run("before", func(t *testing.T) {
		c := start(t, dir)
		if err := c.storage.Publish("mk8s-oidc", "k", "application/json", []byte("v")); err != nil {
			t.Fatal(err)
		}
		if _, err := storage.New(gatetest.Start(t, func(*kernel.Kernel) []kernel.Service { return nil }).K, nil, nil, dir); err == nil {
			t.Error("two mocks use one file")
		}
	})
	t.Run("after", func(t *testing.T) { // with an empty state, which knows no bucket
		c := start(t, dir)
		if code, _, _ := c.get("GET", "/mk8s-oidc/k", ""); code != 404 {
			t.Errorf("a bucket that the state does not know answers %d", code)
		}
		if err := c.storage.Publish("mk8s-oidc", "other", "application/json", []byte("v")); err != nil {
			t.Fatal(err)
		}
		if code, body, _ := c.get("GET", "/mk8s-oidc/k", ""); code != 200 || body != "v" {
			t.Errorf("%d %s", code, body)
		}
	})
}
