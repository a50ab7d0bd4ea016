package provision

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/objectstore"
)

const (
	methodCreateBucket = "yandex.cloud.storage.v1.BucketService/Create"
	methodUpdateBucket = "yandex.cloud.storage.v1.BucketService/Update"
	methodDeleteBucket = "yandex.cloud.storage.v1.BucketService/Delete"
)

// BucketSpec is what a check wants of a bucket.
type BucketSpec struct {
	// Public lets everybody read the objects, not the list of them.
	Public bool
	// Folder is the run's if it is empty.
	Folder string
}

// Bucket makes a bucket of object storage. Its name is its id, too.
func (f *Fixtures) Bucket(ctx context.Context, what string, spec BucketSpec) (name string, err error) {
	name = f.Name(what)
	return f.make(ctx, spec.Folder, creation{kind: KindBucket, name: name, method: methodCreateBucket,
		call: func(ctx context.Context) (*operation.Operation, error) {
			return f.o.Client.Buckets().Create(ctx, &storage.CreateBucketRequest{FolderId: cmp.Or(spec.Folder, f.b.folder), Name: name,
				Tags: tags(f.b.labels), AnonymousAccessFlags: readable(spec.Public)})
		}})
}

// Publish lets everybody read a bucket's objects, or takes that back.
func (f *Fixtures) Publish(ctx context.Context, bucket string, public bool) error {
	op, err := f.o.Client.Buckets().Update(ctx, &storage.UpdateBucketRequest{Name: bucket, AnonymousAccessFlags: readable(public),
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"anonymous_access_flags"}}})
	if err == nil {
		err = f.o.Client.Wait(ctx, methodUpdateBucket, op, nil, nil)
	}
	return cloud.While(err, fmt.Sprintf("setting the public access of bucket %s to %t", bucket, public))
}

func readable(public bool) *storage.AnonymousAccessFlags {
	return &storage.AnonymousAccessFlags{Read: wrapperspb.Bool(public)}
}

// Put uploads an object, in the place of one with the same key, and returns its
// URL, where everybody may fetch it if the bucket is public. It goes with its bucket.
func (f *Fixtures) Put(ctx context.Context, bucket, key, contentType string, body []byte) (url string, err error) {
	store, err := openStore(ctx, f.o.Client, f.o.Config.StorageEndpoint)
	if err == nil {
		url, err = store.Put(ctx, bucket, key, contentType, body)
	}
	return url, cloud.While(err, fmt.Sprintf("uploading %s to bucket %s", key, bucket))
}

// Remove deletes one object. What is gone already is no error.
func (f *Fixtures) Remove(ctx context.Context, bucket, key string) error {
	store, err := openStore(ctx, f.o.Client, f.o.Config.StorageEndpoint)
	if err == nil {
		err = store.Delete(ctx, bucket, key)
	}
	return cloud.While(err, fmt.Sprintf("deleting %s from bucket %s", key, bucket))
}

// openStore reaches the object storage of a cloud; where nobody said where that
// is, the cloud is asked.
func openStore(ctx context.Context, c *cloud.Client, endpoint string) (*objectstore.Client, error) {
	if endpoint == "" {
		var err error
		if endpoint, err = objectstore.Discover(ctx, c); err != nil {
			return nil, err
		}
	}
	return objectstore.New(objectstore.Options{Endpoint: endpoint, Token: c.IAMToken, UserAgent: c.UserAgent()})
}

// emptyBucket deletes what is in a bucket: only an empty one can be deleted.
func emptyBucket(ctx context.Context, m *remover, r Record) error {
	store, err := openStore(ctx, m.client, m.storage)
	if err != nil {
		return err
	}
	return store.Empty(ctx, r.ID)
}

func deleteBucket(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.Buckets().Delete(ctx, &storage.DeleteBucketRequest{Name: r.ID})
}

func bucketCommand(r Resource, _ string) string {
	return fmt.Sprintf("yc storage s3 rm --recursive s3://%s/; yc storage bucket delete %s", r.ID, r.ID)
}

// tags are the labels of buckets.
func tags(labels map[string]string) []*storage.Tag {
	var out []*storage.Tag
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, &storage.Tag{Key: key, Value: labels[key]})
	}
	return out
}

// bucket gives a bucket the methods of an item.
type bucket struct{ *storage.Bucket }

func (b bucket) GetId() string                        { return b.GetName() }
func (b bucket) GetCreatedAt() *timestamppb.Timestamp { return b.Bucket.GetCreatedAt() }
func (b bucket) GetLabels() map[string]string {
	labels := map[string]string{}
	for _, tag := range b.GetTags() {
		labels[tag.GetKey()] = tag.GetValue()
	}
	return labels
}

// listBuckets lists all, and asks for the tags of those that have a name of ours:
// lists do not show them (GetBucketRequest.View).
func listBuckets(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindBucket, func(token string) ([]bucket, string, error) {
		r, err := c.Buckets().List(ctx, &storage.ListBucketsRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		var items []bucket
		for _, b := range r.GetBuckets() {
			if RunOf(b.GetName(), nil) != "" {
				full, getErr := c.Buckets().Get(ctx, &storage.GetBucketRequest{Name: b.GetName(), View: storage.GetBucketRequest_VIEW_FULL})
				switch {
				case getErr == nil:
					b = full
				case cloud.ClassOf(getErr) == cloud.ClassNotFound: // gone meanwhile
					continue
				default:
					return nil, "", getErr
				}
			}
			items = append(items, bucket{b})
		}
		return items, r.GetNextPageToken(), err
	})
}
