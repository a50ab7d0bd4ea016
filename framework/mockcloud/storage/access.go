package storage

import (
	"net/http"
	"net/url"
	"strings"

	storagepb "github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// authenticate finds the caller: by a signature with a static access key, or by
// an IAM token (docs: "Authentication in the API"); nobody is a caller too.
func (s *Storage) authenticate(q *request) (*signature, *s3Error) {
	if isSigned(q.Request) {
		sig, err := readSignature(q.Request)
		if err != nil {
			return nil, err
		}
		secret, subject, ok := s.keys.SecretOf(sig.keyID)
		if !ok {
			return nil, errKeyID
		}
		if err := sig.check(q.Request, secret, s.now()); err != nil {
			return nil, err
		}
		q.caller = subject
		return &sig, nil
	}
	token := q.Header.Get("X-Yacloud-Subjecttoken")
	if scheme, rest, ok := strings.Cut(q.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = rest
	} else if q.Header.Get("Authorization") != "" {
		return nil, errBadHeader
	}
	if token == "" {
		return nil, nil
	}
	subject, err := s.auth.Authenticate(strings.TrimSpace(token))
	if err != nil {
		return nil, errToken
	}
	q.caller = subject
	return nil, nil
}

func (s *Storage) authorize(q *request, signed bool) *s3Error {
	switch q.method {
	case "storage/ListBuckets", "storage/CreateBucket": // no bucket yet; they look themselves
		if q.caller.IsZero() {
			return errAnonymous
		}
		return nil
	}
	if q.permission == "" {
		return &s3Error{http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.", "method"}
	}
	bucket, ok := s.buckets.Get(q.bucket)
	if !ok {
		if _, own := s.own.Get(q.bucket); !own {
			return errNoBucket
		}
		if _, withheld := s.withheld.Get(q.bucket + "/" + q.key); withheld || q.permission != "storage.objects.get" {
			return errDenied
		}
		return nil
	}
	if signed && bucket.DisabledStatickeyAuth {
		return errDenied
	}
	if source := q.Header.Get("X-Amz-Copy-Source"); source != "" {
		if err := s.mayCopy(q.caller, source); err != nil {
			return err
		}
	}
	if s.may(q.caller, q.permission, bucket, q.key) {
		return nil
	}
	if q.caller.IsZero() {
		return errAnonymous
	}
	return &s3Error{errDenied.status, errDenied.code, errDenied.message, "permission:" + q.permission}
}

// mayCopy: who copies reads the source.
func (s *Storage) mayCopy(caller access.Subject, source string) *s3Error {
	path, err := url.PathUnescape(source)
	if err != nil {
		return errArgument
	}
	name, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	bucket, ok := s.buckets.Get(name)
	if !ok {
		return errNoBucket
	}
	if !s.may(caller, "storage.objects.get", bucket, key) {
		return errDenied
	}
	return nil
}

// may says whether a caller has a permission by its roles, the flags of the
// bucket, its ACL or the object's.
func (s *Storage) may(caller access.Subject, permission string, bucket *storagepb.Bucket, key string) bool {
	if !caller.IsZero() && s.k.Decider.Allowed(caller, access.Need{Permission: permission, On: state.Ref{Type: KindBucket, ID: bucket.Id}}) {
		return true
	}
	flags := bucket.AnonymousAccessFlags
	switch permission {
	case "storage.objects.get":
		if s.policyOf(bucket.Id).open {
			return true
		}
		acl, _ := s.acls.Get(bucket.Id + "/" + key)
		if strings.HasPrefix(acl, "public-read") || (acl == "authenticated-read" && !caller.IsZero()) {
			return true
		}
		return flags.GetRead().GetValue() || granted(bucket.Acl, caller, storagepb.ACL_Grant_PERMISSION_READ)
	case "storage.buckets.get":
		return flags.GetList().GetValue() || granted(bucket.Acl, caller, storagepb.ACL_Grant_PERMISSION_READ)
	case "storage.objects.put", "storage.objects.delete":
		return granted(bucket.Acl, caller, storagepb.ACL_Grant_PERMISSION_WRITE)
	}
	return false
}

// granted: what a bucket's ACL allows holds for its objects too (docs: "Access
// control list").
func granted(acl *storagepb.ACL, caller access.Subject, want storagepb.ACL_Grant_Permission) bool {
	for _, g := range acl.GetGrants() {
		if g.Permission != want && g.Permission != storagepb.ACL_Grant_PERMISSION_FULL_CONTROL {
			continue
		}
		switch g.GrantType {
		case storagepb.ACL_Grant_GRANT_TYPE_ALL_USERS:
			return true
		case storagepb.ACL_Grant_GRANT_TYPE_ALL_AUTHENTICATED_USERS:
			if !caller.IsZero() {
				return true
			}
		case storagepb.ACL_Grant_GRANT_TYPE_ACCOUNT:
			if g.GranteeId != "" && g.GranteeId == caller.ID {
				return true
			}
		}
	}
	return false
}

// cannedACL is the ACL that a predefined name stands for.
func cannedACL(name string) (*storagepb.ACL, bool) {
	grant := func(to storagepb.ACL_Grant_GrantType, permissions ...storagepb.ACL_Grant_Permission) *storagepb.ACL {
		acl := &storagepb.ACL{}
		for _, p := range permissions {
			acl.Grants = append(acl.Grants, &storagepb.ACL_Grant{Permission: p, GrantType: to})
		}
		return acl
	}
	const all, known = storagepb.ACL_Grant_GRANT_TYPE_ALL_USERS, storagepb.ACL_Grant_GRANT_TYPE_ALL_AUTHENTICATED_USERS
	switch name {
	case "", "private", "bucket-owner-read", "bucket-owner-full-control":
		return nil, true
	case "public-read":
		return grant(all, storagepb.ACL_Grant_PERMISSION_READ), true
	case "public-read-write":
		return grant(all, storagepb.ACL_Grant_PERMISSION_READ, storagepb.ACL_Grant_PERMISSION_WRITE), true
	case "authenticated-read":
		return grant(known, storagepb.ACL_Grant_PERMISSION_READ), true
	}
	return nil, false
}
