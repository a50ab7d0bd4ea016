package mk8s

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// reviewMethod is how the audit log calls a token review.
const reviewMethod = "k8s/tokenreview"

// maxReview bounds a request: an IAM token has a few hundred bytes.
const maxReview = 64 << 10

// Webhook answers TokenReview (authentication.k8s.io/v1) for the cluster whose id
// follows prefix in the path: POST <prefix><cluster id>. An IAM token makes its
// subject a Kubernetes user whose name is the subject's id ("kind: User, name:
// <account_ID>" in the documentation), in the groups of its k8s.cluster-api roles.
// Nobody is told more of a refused token than that it is refused; the audit log
// has the reason.
func (s *Service) Webhook(prefix string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.k.Clock.Now()
		entry := audit.Entry{Time: started, RequestID: uuid.NewString(), Method: reviewMethod, Verdict: audit.Refused}
		code := http.StatusOK
		defer func() {
			entry.Code, entry.Took = strconv.Itoa(code), s.k.Clock.Since(started)
			s.k.Audit.Add(entry)
		}()
		fail := func(status int, reason string) {
			code, entry.Reason = status, reason
			http.Error(w, http.StatusText(status), status)
		}

		id, ok := strings.CutPrefix(r.URL.Path, prefix)
		entry.Resource = KindCluster + "/" + id
		if _, known := s.clusters.Get(id); !ok || !known {
			entry.Resource = ""
			fail(http.StatusNotFound, "not-found:"+KindCluster)
			return
		}
		if r.Method != http.MethodPost {
			fail(http.StatusMethodNotAllowed, "k8s/review-method")
			return
		}
		var review authenticationv1.TokenReview
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxReview)).Decode(&review); err != nil ||
			review.APIVersion != authenticationv1.SchemeGroupVersion.String() || review.Kind != "TokenReview" {
			fail(http.StatusBadRequest, "k8s/review-malformed")
			return
		}

		answer := authenticationv1.TokenReview{TypeMeta: review.TypeMeta}
		subject, err := s.o.Authenticator.Authenticate(review.Spec.Token)
		if err != nil {
			entry.Reason = reasonOf(err)
		} else {
			entry.Verdict, entry.Caller = audit.Allowed, subject.Type+":"+subject.ID
			answer.Status = authenticationv1.TokenReviewStatus{Authenticated: true,
				User: authenticationv1.UserInfo{Username: subject.ID, UID: subject.ID, Groups: s.groupsFor(subject, id)}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the API server that hung up asks again
	})
}

// groupsFor are the groups that a subject's roles on the cluster, its folder and
// its cloud make it a member of.
func (s *Service) groupsFor(subject access.Subject, clusterID string) []string {
	var out []string
	for _, r := range apiRoles {
		if s.k.Decider.Allowed(subject, access.Need{Permission: r.permission, On: clusterRef(clusterID)}) {
			out = append(out, r.group)
		}
	}
	return out
}

func reasonOf(err error) string {
	var r kernel.Refusal
	if errors.As(err, &r) {
		return r.Reason()
	}
	return "token:refused"
}
