package storage

import (
	"encoding/xml"
	"net/http"

	"github.com/johannesboyne/gofakes3"
)

// s3Error is an answer of the S3 API before gofakes3 is asked. reason is for the
// audit log.
type s3Error struct {
	status        int
	code, message string
	reason        string
}

func (e *s3Error) Error() string { return e.code + ": " + e.message }

var (
	errDenied     = &s3Error{http.StatusForbidden, "AccessDenied", "Access Denied", "permission"}
	errAnonymous  = &s3Error{http.StatusForbidden, "AccessDenied", "Access Denied", "anonymous"}
	errToken      = &s3Error{http.StatusForbidden, "AccessDenied", "Access Denied", "token"}
	errExpired    = &s3Error{http.StatusForbidden, "AccessDenied", "Request has expired", "signature:expired"}
	errSkewed     = &s3Error{http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", "signature:skewed"}
	errMismatch   = &s3Error{http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.", "signature:mismatch"}
	errKeyID      = &s3Error{http.StatusForbidden, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.", "signature:key"}
	errBadHeader  = &s3Error{http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header you provided is invalid.", "signature:malformed"}
	errBadQuery   = &s3Error{http.StatusBadRequest, "AuthorizationQueryParametersError", "The authorization query parameters are invalid.", "signature:malformed"}
	errPayload    = &s3Error{http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", "signature:payload"}
	errTooLarge   = &s3Error{http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.", "too-large"}
	errBody       = &s3Error{http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.", "incomplete"}
	errNoBucket   = &s3Error{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist", "not-found:storage.bucket"}
	errNoKey      = &s3Error{http.StatusNotFound, "NoSuchKey", "The specified key does not exist.", "not-found:object"}
	errTaken      = &s3Error{http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available.", "bucket-exists"}
	errBucketName = &s3Error{http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.", "bucket-name"}
	errArgument   = &s3Error{http.StatusBadRequest, "InvalidArgument", "Invalid argument", "argument"}
)

// refuse answers a request for what is left out, and says why.
func (l LeftOut) refuse() *s3Error {
	code := gofakes3.ErrNotImplemented
	return &s3Error{code.Status(), code.Error(), l.What + " is left out: " + l.Why, "unimplemented"}
}

func (e *s3Error) write(w http.ResponseWriter, r *http.Request, requestID string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.status)
	if r.Method == http.MethodHead {
		return
	}
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Resource  string
		RequestID string `xml:"RequestId"`
	}{Code: e.code, Message: e.message, Resource: r.URL.Path, RequestID: requestID})
	if err == nil {
		_, _ = w.Write(append([]byte(xml.Header), body...)) // a client that has gone needs no answer
	}
}
