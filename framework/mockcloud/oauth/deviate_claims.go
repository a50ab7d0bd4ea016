package oauth

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4/jwt"
)

// claimDeviations are the bugs of the table claims.
var claimDeviations = map[string]func(*policy){
	"AnyIssuerAccepted":   forgive(reason("issuer")),
	"IssuerSlashIgnored":  issuersAre(sameBut(func(s string) string { return strings.TrimRight(s, "/") })),
	"IssuerCaseIgnored":   issuersAre(strings.EqualFold),
	"IssuerPrefixMatched": issuersAre(func(federation, token string) bool { return strings.HasPrefix(token, federation) }),
	"IssuerSchemeIgnored": issuersAre(sameBut(func(s string) string {
		_, rest, found := strings.Cut(s, "://")
		if !found {
			return s
		}
		return rest
	})),

	"AnyAudienceAccepted": forgive(reason("audience"), reason("audience-missing")),
	"AudienceOptional": func(p *policy) {
		p.forgiven = append(p.forgiven, reason("audience-missing"))
		alsoAudience(p, func(_ []string, token jwt.Audience, _ string) bool {
			return !slices.ContainsFunc(token, func(a string) bool { return a != "" })
		})
	},
	"AudiencePrefixMatched": func(p *policy) {
		alsoAudience(p, func(federation []string, token jwt.Audience, _ string) bool {
			return slices.ContainsFunc(token, func(a string) bool {
				return slices.ContainsFunc(federation, func(f string) bool { return strings.HasPrefix(a, f) })
			})
		})
	},
	"AccountAsAudienceAccepted": func(p *policy) {
		alsoAudience(p, func(_ []string, token jwt.Audience, accountID string) bool { return token.Contains(accountID) })
	},
	"AudienceListNotCompared": func(p *policy) {
		alsoAudience(p, func(_ []string, token jwt.Audience, _ string) bool { return len(token) > 1 })
	},
	"AudienceListRefused": audiencesSeen(func(token jwt.Audience) jwt.Audience {
		if len(token) > 1 {
			return nil
		}
		return token
	}),
	"AudienceFirstOnly":     audiencesSeen(func(token jwt.Audience) jwt.Audience { return token[:1] }),
	"AudienceMustBeAddress": audiencesSeen(addressesOf),

	"AnySubjectAccepted":      forgive(reason("subject"), reason("subject-missing")),
	"SubjectPrefixMatched":    subjectsAre(func(linked, token string) bool { return strings.HasPrefix(token, linked) }),
	"SubjectBeginningMatched": subjectsAre(func(linked, token string) bool { return token != "" && strings.HasPrefix(linked, token) }),
	"SubjectSuffixMatched": subjectsAre(func(linked, token string) bool {
		return token != "" && (strings.HasSuffix(token, linked) || strings.HasSuffix(linked, token))
	}),
	"SubjectCaseIgnored":      subjectsAre(strings.EqualFold),
	"SubjectWildcardsMatched": subjectsAre(matchesPattern),
	"SubjectNamespaceOnly":    subjectsAre(sameBut(kubernetesPart(2))),
	"SubjectNameOnly":         subjectsAre(sameBut(kubernetesPart(3))),
	"SubjectRefIgnored":       subjectsAre(sameBut(func(s string) string { before, _, _ := strings.Cut(s, ":ref:"); return before })),
	"SubjectIDsStripped":      subjectsAre(sameBut(func(s string) string { return immutableIDs.ReplaceAllString(s, "") })),
	"SubjectMustBeKubernetes": subjectsAre(func(linked, token string) bool { return linked == token && strings.HasPrefix(token, kubernetesSubject) }),
	"SubjectOptional": func(p *policy) {
		p.forgiven = append(p.forgiven, reason("subject-missing"))
		strict := p.claims.subject
		p.claims.subject = func(linked, token string) bool { return token == "" || strict(linked, token) }
	},
}

// kubernetesSubject begins the sub of every token of a Kubernetes service account.
const kubernetesSubject = "system:serviceaccount:"

// immutableIDs are the numbers in GitHub's newer subjects: repo:org@1/repo@2:...
var immutableIDs = regexp.MustCompile(`@[0-9]+`)

func issuersAre(same func(federation, token string) bool) func(*policy) {
	return func(p *policy) { p.claims.issuer = same }
}

func subjectsAre(same func(linked, token string) bool) func(*policy) {
	return func(p *policy) { p.claims.subject = same }
}

// sameBut compares what is left of two strings.
func sameBut(rest func(string) string) func(a, b string) bool {
	return func(a, b string) bool { return rest(a) == rest(b) }
}

// alsoAudience accepts what a further comparison accepts.
func alsoAudience(p *policy, accepts func(federation []string, token jwt.Audience, accountID string) bool) {
	before := p.claims.audience
	p.claims.audience = func(federation []string, token jwt.Audience, accountID string) bool {
		return before(federation, token, accountID) || accepts(federation, token, accountID)
	}
}

// audiencesSeen compares only a part of a token's audiences.
func audiencesSeen(part func(jwt.Audience) jwt.Audience) func(*policy) {
	return func(p *policy) {
		before := p.claims.audience
		p.claims.audience = func(federation []string, token jwt.Audience, accountID string) bool {
			return before(federation, part(token), accountID)
		}
	}
}

func addressesOf(token jwt.Audience) jwt.Audience {
	return slices.DeleteFunc(slices.Clone(token), func(a string) bool {
		u, err := url.Parse(a)
		return err != nil || u.Host == ""
	})
}

// kubernetesPart is one part of a Kubernetes subject; of another subject, all.
func kubernetesPart(i int) func(string) string {
	return func(subject string) string {
		parts := strings.Split(subject, ":")
		if !strings.HasPrefix(subject, kubernetesSubject) || len(parts) <= i {
			return subject
		}
		return parts[i]
	}
}

// matchesPattern takes a star in a linked subject for anything.
func matchesPattern(linked, token string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(linked), `\*`, ".*")
	return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(token)
}
