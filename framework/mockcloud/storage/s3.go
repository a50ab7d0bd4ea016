package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/johannesboyne/gofakes3"
	storagepb "github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Host is where the S3 API lives; a bucket may also be named by its subdomain.
const Host = "storage.yandexcloud.net"

// maxObject bounds one upload (a part of a multipart upload is one): what is
// stored here are key sets.
const maxObject = 64 << 20

// request is one call of the S3 API.
type request struct {
	*http.Request
	bucket, key string
	caller      access.Subject
	method      string // as in the audit log: "storage/GetObject"
	permission  string
}

// Handler serves the S3 API: /bucket/key under any host, or /key under
// bucket.storage.yandexcloud.net.
func (s *Storage) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.k.Clock.Now()
		answer := &recorder{ResponseWriter: w, id: uuid.NewString(), status: http.StatusOK}
		req := parse(r.Clone(r.Context()))
		err := s.serve(answer, req)
		entry := audit.Entry{Time: started, RequestID: answer.id, Method: req.method, Verdict: audit.Allowed,
			Run: audit.RunOf(r.UserAgent()), Took: s.k.Clock.Since(started)}
		if err != nil {
			err.write(answer, r, answer.id)
			entry.Verdict, entry.Reason = audit.Refused, err.reason
		} else if answer.status >= http.StatusBadRequest {
			entry.Verdict, entry.Reason = audit.Refused, "answer:"+strconv.Itoa(answer.status)
		}
		if entry.Code = strconv.Itoa(answer.status); answer.status >= http.StatusInternalServerError {
			entry.Verdict = audit.Failed
		}
		if !req.caller.IsZero() {
			entry.Caller = req.caller.Type + ":" + req.caller.ID
		}
		if req.bucket != "" {
			entry.Resource = KindBucket + "/" + req.bucket
		}
		s.k.Audit.Add(entry)
	})
}

func parse(r *http.Request) *request {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if bucket, ok := strings.CutSuffix(host, "."+Host); ok {
		path = bucket + "/" + path
	}
	q := &request{Request: r}
	q.bucket, q.key, _ = strings.Cut(path, "/")
	q.method, q.permission = what(q)
	return q
}

// what names the action of a request, and the permission on the bucket that it needs.
func what(q *request) (method, permission string) {
	type action struct{ name, permission string }
	table := map[string]action{
		"GET": {"GetObject", "storage.objects.get"}, "HEAD": {"HeadObject", "storage.objects.get"},
		"PUT": {"PutObject", "storage.objects.put"}, "POST": {"PostObject", "storage.objects.put"}, "DELETE": {"DeleteObject", "storage.objects.delete"},
	}
	switch query := q.URL.Query(); {
	case q.bucket == "":
		table = map[string]action{"GET": {"ListBuckets", ""}}
	case q.key == "" && query.Has("delete"):
		table = map[string]action{"POST": {"DeleteObjects", "storage.objects.delete"}}
	case q.key == "" && query.Has("acl"):
		table = map[string]action{"PUT": {"PutBucketAcl", "storage.buckets.update"}}
	case q.key == "":
		table = map[string]action{
			"GET": {"ListObjects", "storage.buckets.get"}, "HEAD": {"HeadBucket", "storage.buckets.get"},
			"PUT": {"CreateBucket", "storage.buckets.create"}, "DELETE": {"DeleteBucket", "storage.buckets.delete"},
			"POST": {"PostObject", "storage.objects.put"},
		}
	case query.Has("acl"):
		table = map[string]action{"PUT": {"PutObjectAcl", "storage.objects.put"}}
	case query.Has("uploadId"), query.Has("uploads"):
		put := action{"MultipartUpload", "storage.objects.put"}
		table = map[string]action{"GET": put, "PUT": put, "POST": put, "DELETE": put}
	}
	a, ok := table[q.Method]
	if !ok {
		return "storage/" + q.Method, ""
	}
	return "storage/" + a.name, a.permission
}

func (s *Storage) serve(w http.ResponseWriter, q *request) *s3Error {
	if fault, ok := s.k.Settings.Fault(q.method); ok {
		if s.k.Pause(q.Context(), time.Duration(fault.Delay)) != nil {
			return errBody
		}
		if fault.Code != "" {
			return &s3Error{runtime.HTTPStatusFromCode(kernel.Code(fault.Code)), "InternalError", fault.Message, "fault"}
		}
	}
	signed, err := s.authenticate(q)
	if err != nil {
		return err
	}
	if err := s.authorize(q, signed != nil); err != nil {
		return err
	}
	if left, ok := asksFor(q.URL.Query()); ok {
		return left.refuse()
	}
	if _, ok := cannedACL(q.Header.Get("X-Amz-Acl")); !ok {
		return errArgument
	}
	if err := readBody(q.Request, signed); err != nil {
		return err
	}
	switch q.method {
	case "storage/ListBuckets":
		return s.listBuckets(w, q)
	case "storage/CreateBucket":
		return s.createBucket(w, q)
	case "storage/DeleteBucket":
		return s.deleteBucket(w, q)
	case "storage/PutBucketAcl", "storage/PutObjectAcl":
		return s.putACL(w, q)
	case "storage/PutObject":
		if s.keeps(q) {
			w.WriteHeader(http.StatusOK)
			return nil
		}
	}
	s.forward(w, q)
	return nil
}

// readBody takes the whole body, undoes the chunks that SDKs sign one by one, and
// holds it against what was signed. The signatures of single chunks are not
// checked: the first, of the head, has shown who is there.
func readBody(r *http.Request, signed *signature) *s3Error {
	if r.Method != http.MethodPut && r.Method != http.MethodPost {
		return nil
	}
	body := io.Reader(r.Body)
	sum := r.Header.Get("X-Amz-Content-Sha256")
	if chunked := strings.HasPrefix(sum, "STREAMING-"); chunked {
		// aws-chunked is HTTP's chunked coding with chunk extensions.
		body, sum = httputil.NewChunkedReader(body), unsignedSum
		rest := strings.Trim(strings.TrimPrefix(r.Header.Get("Content-Encoding"), "aws-chunked"), ", ")
		if r.Header.Del("Content-Encoding"); rest != "" {
			r.Header.Set("Content-Encoding", rest)
		}
	}
	raw, err := io.ReadAll(io.LimitReader(body, maxObject+1))
	switch want := sha256.Sum256(raw); {
	case err != nil:
		return errBody
	case len(raw) > maxObject:
		return errTooLarge
	case signed != nil && sum != "" && sum != unsignedSum && sum != hex.EncodeToString(want[:]):
		return errPayload
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	r.Header.Set("Content-Length", strconv.Itoa(len(raw)))
	return nil
}

// forward lets gofakes3 answer. It keeps every X-Amz- header with the object, so
// those that speak of the request alone are taken off.
func (s *Storage) forward(w http.ResponseWriter, q *request) {
	r := q.Request
	r.Host, r.URL.Path, r.URL.RawPath = Host, "/"+q.bucket+"/"+q.key, ""
	if q.key == "" {
		r.URL.Path = "/" + q.bucket
	}
	acl := r.Header.Get("X-Amz-Acl")
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") && !strings.HasPrefix(name, "X-Amz-Copy-Source") && name != "X-Amz-Metadata-Directive" {
			r.Header.Del(name)
		}
	}
	out := w.(*recorder)
	s.s3.ServeHTTP(out, r)
	switch {
	case out.status >= http.StatusBadRequest:
	case q.method == "storage/PutObject", q.method == "storage/MultipartUpload" && r.URL.Query().Has("uploads"):
		s.setACL(q, acl)
	case q.method == "storage/DeleteObject":
		s.acls.Delete(q.bucket + "/" + q.key)
	}
}

func (s *Storage) setACL(q *request, acl string) {
	if name := q.bucket + "/" + q.key; acl == "" || acl == "private" {
		s.acls.Delete(name)
	} else {
		s.acls.Put(name, acl)
	}
}

func (s *Storage) listBuckets(w http.ResponseWriter, q *request) *s3Error {
	answer := &gofakes3.Storage{Xmlns: "http://s3.amazonaws.com/doc/2006-03-01/", Owner: &gofakes3.UserInfo{ID: q.caller.ID, DisplayName: q.caller.ID}}
	for _, b := range s.buckets.List(nil) {
		if s.k.Decider.Allowed(q.caller, access.Need{Permission: "storage.buckets.list", On: state.Ref{Type: KindBucket, ID: b.Id}}) {
			answer.Buckets = append(answer.Buckets, gofakes3.BucketInfo{Name: b.Name, CreationDate: gofakes3.NewContentTime(b.CreatedAt.AsTime())})
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, xml.Header) // a client that has gone needs no answer
	_ = xml.NewEncoder(w).Encode(answer)
	return nil
}

// createBucket makes the bucket in the folder of the service account that signed.
func (s *Storage) createBucket(w http.ResponseWriter, q *request) *s3Error {
	acl, _ := cannedACL(q.Header.Get("X-Amz-Acl"))
	account, ok := s.k.Store.Find(state.Ref{Type: kindAccount, ID: q.caller.ID})
	folder := state.Ref{Type: kindFolder, ID: account.FolderID}
	if !ok || !s.k.Decider.Allowed(q.caller, access.Need{Permission: "storage.buckets.create", On: folder}) {
		return &s3Error{errDenied.status, errDenied.code, errDenied.message, "permission:storage.buckets.create"}
	}
	err := s.insert(&storagepb.Bucket{Name: q.bucket, FolderId: account.FolderID, Acl: acl})
	var answer *s3Error
	if errors.As(err, &answer) {
		return answer
	}
	w.Header().Set("Location", "/"+q.bucket)
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Storage) deleteBucket(w http.ResponseWriter, q *request) *s3Error {
	err := s.remove(q.bucket)
	var answer *s3Error
	if errors.As(err, &answer) {
		return answer
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Storage) putACL(w http.ResponseWriter, q *request) *s3Error {
	name := q.Header.Get("X-Amz-Acl")
	acl, _ := cannedACL(name)
	switch {
	case name == "":
		return aclInBody.refuse()
	case q.key != "":
		if _, err := s.objects.HeadObject(q.bucket, q.key); err != nil {
			return errNoKey
		}
		s.setACL(q, name)
	default:
		if _, _, err := s.buckets.Modify(q.bucket, func(b *storagepb.Bucket) error {
			b.Acl = acl
			return nil
		}); err != nil {
			return errNoBucket
		}
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// recorder notes the status and sets the request id.
type recorder struct {
	http.ResponseWriter
	id     string
	status int
	wrote  bool
}

func (w *recorder) WriteHeader(status int) {
	if !w.wrote {
		w.wrote, w.status = true, status
		w.Header().Set("X-Amz-Request-Id", w.id)
		w.Header().Del("X-Amz-Id-2")
		w.Header().Del("Server")
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.ResponseWriter.Write(p)
}
