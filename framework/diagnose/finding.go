package diagnose

import (
	"errors"
	"fmt"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Finding is one thing that was looked at.
type Finding struct {
	// What was looked at.
	What string
	// Name of the mistake, one of the constants; empty: there is none.
	Name string
	// Text says what was found, Remedy what to do; Remedy is empty if there is nothing
	// to do.
	Text, Remedy string
	// Unseen: it could not be looked at, and may be good or bad.
	Unseen bool
}

// Names of mistakes.
const (
	BillingInactive   = "billing account not active"
	QuotaUsedUp       = "quota used up"
	RoleMissing       = "role missing"
	LinkForbidden     = "access policy forbids linking"
	NoEgress          = "nodes have no way out"
	GroupsHoldTraffic = "security groups hold traffic"
	EndpointAway      = "token endpoint not reachable"
	ClockSkew         = "clock skew"
	ClusterNotRunning = "cluster not running"
	ClusterPlain      = "cluster without workload identity federation"
	ChannelLacks      = "version or channel without workload identity federation"
	NodesPlain        = "node group without workload identity federation"
	NoNodes           = "cluster without nodes"
	AccountAbsent     = "Kubernetes service account missing"
	AnnotationMissing = "annotation missing"
	AnnotationOther   = "annotation names another SA"
)

func fine(what, format string, args ...any) Finding {
	return Finding{What: what, Text: fmt.Sprintf(format, args...)}
}

// mistake is a finding with a name. Its remedy is added by saying.
func mistake(what, name, format string, args ...any) Finding {
	return Finding{What: what, Name: name, Text: name + ": " + fmt.Sprintf(format, args...)}
}

func (f Finding) saying(format string, args ...any) Finding {
	f.Remedy = fmt.Sprintf(format, args...)
	return f
}

func unseen(what, why string) Finding { return Finding{What: what, Text: why, Unseen: true} }

// blind is a finding about what the caller may not, or cannot, look at. A run may not
// need that right: what the error advises is left out.
func blind(what string, err error) Finding {
	var answered *cloud.Error
	if errors.As(err, &answered) {
		brief := *answered
		brief.Hint = ""
		err = &brief
	}
	return unseen(what, err.Error())
}
