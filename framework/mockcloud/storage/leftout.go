package storage

import "net/url"

// LeftOut is a part of the S3 API that is not served, and why.
type LeftOut struct{ What, Why string }

// unserved are subresources, which gofakes3 would take for the object or the list, by the
// parameter that asks for them.
var unserved = []struct{ parameter, why string }{
	{"policy", "a bucket is public or not by its ACL, which is what the tutorials set"},
	{"website", "key sets are read as objects, not as pages"},
	{"cors", "no browser reads a key set"},
	{"lifecycle", "a bucket lives as long as a run"},
	{"encryption", "key sets are public"},
	{"tagging", "a bucket is told by its name, and objects go with it"},
	{"logging", "the audit log has every request"},
	{"object-lock", "what a run makes it deletes"},
	{"versions", "a key set has no history: it is what was uploaded last"},
	{"versionId", "a key set has no history: it is what was uploaded last"},
	{"torrent", "the cloud fetches key sets over HTTPS"},
	{"retention", "what a run makes it deletes"},
	{"legal-hold", "what a run makes it deletes"},
}

// aclInBody is the other way to set an ACL.
var aclInBody = LeftOut{"an ACL in the body", "the canned ones of the header x-amz-acl say who reads a key set"}

// AllLeftOut lists what is not served.
func AllLeftOut() []LeftOut {
	out := []LeftOut{aclInBody}
	for _, u := range unserved {
		out = append(out, LeftOut{"?" + u.parameter, u.why})
	}
	return out
}

// asksFor finds what a query asks for that is not served.
func asksFor(query url.Values) (LeftOut, bool) {
	for _, u := range unserved {
		if query.Has(u.parameter) {
			return LeftOut{"?" + u.parameter, u.why}, true
		}
	}
	return LeftOut{}, false
}
