package storage

import (
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// policy is what of a bucket is given to whom.
type policy struct {
	// open: everybody may read what is in it.
	open bool
	// first: an object that is there already is not replaced.
	first bool
}

// deviations are the bugs that act here.
var deviations = map[string]func(*policy){
	"PrivateObjectsReadable":   func(p *policy) { p.open = true },
	"OverwrittenObjectIsStale": func(p *policy) { p.first = true },
}

func (s *Storage) policyOf(bucket string) policy {
	return kernel.PolicyOn(s.k, policy{}, deviations, state.Ref{Type: KindBucket, ID: bucket})
}

// keeps says whether an object stays as it is, although it is put again.
func (s *Storage) keeps(q *request) bool {
	if !s.policyOf(q.bucket).first {
		return false
	}
	_, err := s.objects.HeadObject(q.bucket, q.key)
	return err == nil
}
