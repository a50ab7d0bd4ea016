package conformance

import (
	"fmt"
	"strings"
)

// rfc cites a section by its number and heading: rfc(6749, "5.2 Error Response").
func rfc(number int, section string) Source {
	anchor, _, _ := strings.Cut(section, " ")
	return Source{
		Document: fmt.Sprintf("RFC %d", number), Clause: section,
		URL: fmt.Sprintf("https://www.rfc-editor.org/rfc/rfc%d#section-%s", number, anchor),
	}
}

// oidcCore cites OpenID Connect Core 1.0, which says what an ID token has: the
// exchange's subject_token_type is id_token.
func oidcCore(section, anchor string) Source {
	return Source{Document: "OpenID Connect Core 1.0", Clause: section, URL: "https://openid.net/specs/openid-connect-core-1_0.html#" + anchor}
}

// wlifConcepts cites the cloud's explanation of federations.
func wlifConcepts(section string) Source {
	return Source{Document: "Workload identity federations", Clause: section, URL: "https://yandex.cloud/en/docs/iam/concepts/workload-identity"}
}

// wlifSetup cites the cloud's instructions for federations.
func wlifSetup(section, anchor string) Source {
	return Source{Document: "Setting up a workload identity federation", Clause: section, URL: "https://yandex.cloud/en/docs/iam/operations/wlif/setup-wlif#" + anchor}
}

// proto cites the cloud's API: the file below yandex/cloud, and the message, field
// or method.
func proto(file, clause string) Source {
	return Source{Document: file, Clause: clause, URL: "https://github.com/yandex-cloud/cloudapi/blob/master/yandex/cloud/" + file}
}

// cloudDocs cites a page of the cloud's documentation, by its path.
func cloudDocs(document, clause, path string) Source {
	return Source{Document: document, Clause: clause, URL: "https://yandex.cloud/en/docs/" + path}
}

// apiErrors cites what all of the cloud's APIs answer to what they refuse.
func apiErrors(clause string) Source {
	return cloudDocs("API design guide, Error handling", clause, "api-design-guide/concepts/errors-handling")
}

// alike fills in what rows share, where a row does not say otherwise.
func alike(shared Requirement, rows []Requirement) []Requirement {
	for i := range rows {
		r := &rows[i]
		if r.Level == "" {
			r.Level = shared.Level
		}
		if r.Severity == "" {
			r.Severity = shared.Severity
		}
		if r.Remediation == "" {
			r.Remediation = shared.Remediation
		}
		if r.Features == nil {
			r.Features = shared.Features
		}
		if r.Sources == nil {
			r.Sources = shared.Sources
		}
	}
	return rows
}
