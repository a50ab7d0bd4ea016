package storage

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3bolt"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	storagepb "github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"
	"go.etcd.io/bbolt"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// KindBucket is the kind of buckets. A bucket's id is its name.
const (
	KindBucket  = "storage.bucket"
	kindFolder  = "resource-manager.folder"
	kindAccount = "iam.serviceAccount"
	// prefixStorage: of a bucket's resource_id and of operations, as in the samples of the docs.
	prefixStorage = "e3e"
)

// Keys knows the static access keys (the IAM service).
type Keys interface {
	SecretOf(accessKeyID string) (secret string, subject access.Subject, ok bool)
}

// Storage holds buckets and objects.
type Storage struct {
	k       *kernel.Kernel
	keys    Keys
	auth    kernel.Authenticator
	buckets *state.Table[*storagepb.Bucket]
	// acls are canned ACLs of objects, by bucket/key; without one an object is private.
	acls *state.Records[string]
	// own are the buckets of the cloud's own: no customer's, and open to every reader.
	own *state.Records[bool]
	// withheld are files in them that nobody may read.
	withheld *state.Records[bool]
	objects  gofakes3.Backend
	s3       http.Handler
	close    func() error
	// now is the clock of signatures: clients sign with their own, which a jump of
	// the mock's does not move.
	now func() time.Time
}

var _ kernel.Publisher = (*Storage)(nil)

// New makes the service. dir is where objects are kept ("": in memory only).
func New(k *kernel.Kernel, keys Keys, auth kernel.Authenticator, dir string) (*Storage, error) {
	s := &Storage{
		k: k, keys: keys, auth: auth, now: time.Now,
		buckets:  state.NewTable[*storagepb.Bucket](k.Store, KindBucket),
		acls:     state.NewRecords[string](k.Store, "storage.objectACL"),
		own:      state.NewRecords[bool](k.Store, "storage.ownBucket"),
		withheld: state.NewRecords[bool](k.Store, "storage.withheld"),
	}
	if dir == "" {
		s.objects, s.close = s3mem.New(s3mem.WithTimeSource(k.Clock)), func() error { return nil }
	} else {
		file := filepath.Join(dir, "objects.db")
		db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: 2 * time.Second})
		if err != nil {
			return nil, fmt.Errorf("open the objects in %s (does another mock use it?): %w", file, err)
		}
		s.objects, s.close = s3bolt.New(db, s3bolt.WithTimeSource(k.Clock)), db.Close
	}
	for _, b := range s.buckets.List(nil) {
		if err := s.ensure(b.Name); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	// Versions are left out: the two backends differ there. The skew is checked
	// with the signature.
	s.s3 = gofakes3.New(s.objects, gofakes3.WithTimeSource(k.Clock), gofakes3.WithTimeSkewLimit(0), gofakes3.WithoutVersioning()).Server()
	return s, nil
}

// Close lets go of the objects' file.
func (s *Storage) Close() error { return s.close() }

// Publish puts a file into a bucket of the cloud's own, which everyone may read.
func (s *Storage) Publish(bucket, key, contentType string, body []byte) error {
	if _, ok := s.buckets.Get(bucket); ok {
		return fmt.Errorf("publish %s/%s: the bucket is a customer's", bucket, key)
	}
	if err := s.ensure(bucket); err != nil {
		return err
	}
	s.own.Put(bucket, true)
	s.withheld.Delete(bucket + "/" + key)
	meta := map[string]string{"Content-Type": contentType, "Last-Modified": s.k.Clock.Now().UTC().Format(http.TimeFormat)}
	if _, err := s.objects.PutObject(bucket, key, meta, bytes.NewReader(body), int64(len(body)), nil); err != nil {
		return fmt.Errorf("publish %s/%s: %w", bucket, key, err)
	}
	return nil
}

// Withhold refuses a file that was published to everyone.
func (s *Storage) Withhold(bucket, key string) error {
	s.withheld.Put(bucket+"/"+key, true)
	return nil
}

// ensure makes a bucket of objects unless it is there.
func (s *Storage) ensure(bucket string) error {
	err := s.objects.CreateBucket(bucket)
	if err != nil && !gofakes3.HasErrorCode(err, gofakes3.ErrBucketAlreadyExists) {
		return fmt.Errorf("make the bucket %s: %w", bucket, err)
	}
	return nil
}

// Unpublish removes a file that was published; one that is not there is no error.
func (s *Storage) Unpublish(bucket, key string) error {
	s.withheld.Delete(bucket + "/" + key)
	_, err := s.objects.DeleteObject(bucket, key)
	if err != nil && !gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) && !gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey) {
		return fmt.Errorf("unpublish %s/%s: %w", bucket, key, err)
	}
	return nil
}
