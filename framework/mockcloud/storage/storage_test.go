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
	op, err := c.buckets.Create(c.With("storage.admin"), req)
	gatetest.Done[*storagepb.Bucket](c.t, op, err)
}

// Who may make buckets may not open them to everybody, at first or later.
func TestEditorsOpenNoBucket(t *testing.T) {
	c := start(t, "")
	editor := c.As(c.editor)
	open := &storagepb.AnonymousAccessFlags{Read: wrapperspb.Bool(true)}
	shared := &storagepb.ACL{Grants: []*storagepb.ACL_Grant{{Permission: storagepb.ACL_Grant_PERMISSION_READ, GrantType: storagepb.ACL_Grant_GRANT_TYPE_ALL_USERS}}}
	for _, req := range []*storagepb.CreateBucketRequest{{AnonymousAccessFlags: open}, {Acl: shared}} {
		req.FolderId, req.Name = c.Folder, "open"
		_, err := c.buckets.Create(editor, req)
		c.Refused(err, codes.PermissionDenied, "permission:storage.buckets.open")
	}
	op, err := c.buckets.Create(editor, &storagepb.CreateBucketRequest{FolderId: c.Folder, Name: "closed", Acl: &storagepb.ACL{},
		AnonymousAccessFlags: &storagepb.AnonymousAccessFlags{Read: wrapperspb.Bool(false)}})
	gatetest.Done[*storagepb.Bucket](t, op, err)
	_, err = c.buckets.Update(editor, &storagepb.UpdateBucketRequest{Name: "closed", AnonymousAccessFlags: open,
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"anonymous_access_flags"}}})
	c.Refused(err, codes.PermissionDenied, "permission:storage.buckets.open")
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
