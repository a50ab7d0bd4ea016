package storage

import (
	"context"
	"errors"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	storagepb "github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/johannesboyne/gofakes3"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// unimplementedBucket lies one level deeper than AccessAPI, whose methods go before its own.
type unimplementedBucket struct {
	storagepb.UnimplementedBucketServiceServer
}

type bucketServer struct {
	unimplementedBucket
	*Storage
	kernel.AccessAPI
}

// Services are the gRPC services with their rules. Access bindings take the
// bucket's name for the resource id (a guess).
func (s *Storage) Services() []kernel.Service {
	api := kernel.AccessAPI{K: s.k, Kind: KindBucket, Prefix: prefixStorage, EmptyResult: true}
	one := func(verb string) kernel.Rule { return kernel.Needs("storage.buckets."+verb, KindBucket, "name") }
	rules := api.Rules("storage.buckets", map[string]kernel.Rule{
		"Get":      one("get"),
		"GetStats": one("get"),
		"List":     kernel.Needs("storage.buckets.list", kindFolder, "folder_id"),
		"Create":   kernel.Needs("storage.buckets.create", kindFolder, "folder_id"),
		"Update":   one("update"),
		"Delete":   one("delete"),
	})
	return []kernel.Service{{Desc: &storagepb.BucketService_ServiceDesc, Impl: &bucketServer{Storage: s, AccessAPI: api}, Rules: rules}}
}

// insert adds a bucket; names are global. Its errors are s3Errors.
func (s *Storage) insert(b *storagepb.Bucket) error {
	if gofakes3.ValidateBucketName(b.Name) != nil {
		return errBucketName
	}
	b.Id, b.ResourceId, b.CreatedAt = b.Name, kernel.NewID(prefixStorage), timestamppb.New(s.k.Clock.Now())
	if err := s.objects.CreateBucket(b.Name); err != nil {
		return errTaken
	}
	return s.buckets.Insert(b, nil)
}

// remove deletes an empty bucket. Its errors are s3Errors.
func (s *Storage) remove(name string) error {
	switch err := s.objects.DeleteBucket(name); {
	case gofakes3.HasErrorCode(err, gofakes3.ErrBucketNotEmpty):
		return &s3Error{409, "BucketNotEmpty", "The bucket you tried to delete is not empty", "bucket-not-empty"}
	case err != nil:
		return errNoBucket
	}
	s.buckets.Delete(name)
	s.k.Bindings.Drop(state.Ref{Type: KindBucket, ID: name})
	return nil
}

// status turns an s3Error into the answer of the control plane.
func status(err error) error {
	var e *s3Error
	if !errors.As(err, &e) {
		return err
	}
	code := map[*s3Error]codes.Code{errTaken: codes.AlreadyExists, errBucketName: codes.InvalidArgument, errNoBucket: codes.NotFound}[e]
	if code == codes.OK {
		code = codes.FailedPrecondition
	}
	return kernel.Refuse("storage/"+e.reason, kernel.Errorf(code, "%s", e.message))
}

func (s *bucketServer) Get(_ context.Context, req *storagepb.GetBucketRequest) (*storagepb.Bucket, error) {
	b, ok := s.buckets.Get(req.Name)
	if !ok {
		return nil, s.k.NotFound(KindBucket, req.Name)
	}
	return view(b, req.View), nil
}

// view leaves out what a view does not show (GetBucketRequest.View).
func view(b *storagepb.Bucket, v storagepb.GetBucketRequest_View) *storagepb.Bucket {
	if v != storagepb.GetBucketRequest_VIEW_FULL {
		b.Cors, b.WebsiteSettings, b.LifecycleRules, b.Tags = nil, nil, nil, nil
		if v != storagepb.GetBucketRequest_VIEW_ACL {
			b.Acl = nil
		}
	}
	return b
}

func (s *bucketServer) List(_ context.Context, req *storagepb.ListBucketsRequest) (*storagepb.ListBucketsResponse, error) {
	rows := s.buckets.List(func(b *storagepb.Bucket) bool { return b.FolderId == req.FolderId })
	page, next, err := kernel.Page(rows, req, (*storagepb.Bucket).GetId)
	for i := range page {
		page[i] = view(page[i], storagepb.GetBucketRequest_VIEW_BASIC)
	}
	return &storagepb.ListBucketsResponse{Buckets: page, NextPageToken: next}, err
}

func (s *bucketServer) GetStats(_ context.Context, req *storagepb.GetBucketStatsRequest) (*storagepb.BucketStats, error) {
	b, ok := s.buckets.Get(req.Name)
	if !ok {
		return nil, s.k.NotFound(KindBucket, req.Name)
	}
	objects, err := s.objects.ListBucket(req.Name, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return nil, s.k.NotFound(KindBucket, req.Name)
	}
	stats := &storagepb.BucketStats{
		Name: b.Name, MaxSize: wrapperspb.Int64(b.MaxSize), DefaultStorageClass: wrapperspb.String(b.DefaultStorageClass),
		AnonymousAccessFlags: b.AnonymousAccessFlags, CreatedAt: b.CreatedAt, UpdatedAt: b.CreatedAt,
	}
	for _, o := range objects.Contents {
		stats.UsedSize += o.Size
	}
	return stats, nil
}

// mayOpen: storage.editor "does not allow you to manage access control list (ACL)
// settings or create publicly accessible buckets", storage.admin does (docs:
// "Access management in Object Storage").
func (s *bucketServer) mayOpen(ctx context.Context, on state.Ref, flags *storagepb.AnonymousAccessFlags, acl *storagepb.ACL) error {
	if !flags.GetRead().GetValue() && !flags.GetList().GetValue() && !flags.GetConfigRead().GetValue() && len(acl.GetGrants()) == 0 {
		return nil
	}
	need := access.Need{Permission: "storage.buckets.open", On: on}
	if !s.k.Decider.Allowed(kernel.CallOf(ctx).Caller, need) {
		return s.k.Denied(need)
	}
	return nil
}

func (s *bucketServer) Create(ctx context.Context, req *storagepb.CreateBucketRequest) (*operation.Operation, error) {
	if err := s.mayOpen(ctx, state.Ref{Type: kindFolder, ID: req.FolderId}, req.AnonymousAccessFlags, req.Acl); err != nil {
		return nil, err
	}
	b := &storagepb.Bucket{
		Name: req.Name, FolderId: req.FolderId, DefaultStorageClass: req.DefaultStorageClass, MaxSize: req.MaxSize,
		AnonymousAccessFlags: req.AnonymousAccessFlags, Acl: req.Acl, Tags: req.Tags, Versioning: req.Versioning,
		LifecycleRules: req.LifecycleRules, DisabledStatickeyAuth: req.DisabledStatickeyAuth,
	}
	if b.DefaultStorageClass == "" {
		b.DefaultStorageClass = "STANDARD"
	}
	if err := s.insert(b); err != nil {
		return nil, status(err)
	}
	return s.begin(ctx, req.Name, "Create bucket", &storagepb.CreateBucketMetadata{Name: req.Name}, func() (proto.Message, error) {
		b, ok := s.buckets.Get(req.Name)
		if !ok {
			return nil, s.k.NotFound(KindBucket, req.Name)
		}
		return b, nil
	})
}

func (s *bucketServer) Update(ctx context.Context, req *storagepb.UpdateBucketRequest) (*operation.Operation, error) {
	if err := s.mayOpen(ctx, state.Ref{Type: KindBucket, ID: req.Name}, req.AnonymousAccessFlags, req.Acl); err != nil {
		return nil, err
	}
	change := func(b *storagepb.Bucket) error {
		return kernel.ApplyMask(b, req, req.UpdateMask, map[string]string{"name": ""})
	}
	if err := change(&storagepb.Bucket{}); err != nil {
		return nil, err
	}
	return s.begin(ctx, req.Name, "Update bucket", &storagepb.UpdateBucketMetadata{Name: req.Name}, func() (proto.Message, error) {
		b, ok, err := s.buckets.Modify(req.Name, change)
		if !ok && err == nil {
			err = s.k.NotFound(KindBucket, req.Name)
		}
		return b, err
	})
}

// Delete refuses a bucket that holds objects at once.
func (s *bucketServer) Delete(ctx context.Context, req *storagepb.DeleteBucketRequest) (*operation.Operation, error) {
	if err := s.remove(req.Name); err != nil {
		return nil, status(err)
	}
	return s.begin(ctx, req.Name, "Delete bucket", &storagepb.DeleteBucketMetadata{Name: req.Name}, func() (proto.Message, error) { return nil, nil })
}

func (s *bucketServer) begin(ctx context.Context, name, what string, meta proto.Message, work func() (proto.Message, error)) (*operation.Operation, error) {
	return s.k.Begin(ctx, kernel.Op{
		Description: what, Prefix: prefixStorage, Metadata: meta, On: state.Ref{Type: KindBucket, ID: name},
		Work: func(context.Context) (proto.Message, error) { return work() },
	})
}
