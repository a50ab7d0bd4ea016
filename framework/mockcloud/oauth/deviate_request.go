package oauth

import (
	"net/http"
	"net/url"
	"slices"
)

// requestDeviations are the bugs of the table request.
var requestDeviations = map[string]func(*policy){
	"NoTokenNoCheck": func(p *policy) {
		p.form.optional = append(p.form.optional, "subject_token")
		p.token.opaque = func(raw string) bool { return raw == "" }
	},
	"MissingParametersAssumed": func(p *policy) { p.form.missing = fixedValues() },
	"EmptyParametersAssumed":   func(p *policy) { p.form.empty = fixedValues() },
	"RepeatedParameterTaken":   func(p *policy) { p.form.firstOfSeveral = true },
	"TokenTypesNotCompared": func(p *policy) {
		p.form.free = append(p.form.free, "requested_token_type", "subject_token_type")
	},
	"GrantTypeNotCompared": func(p *policy) { p.form.free = append(p.form.free, "grant_type") },
	"UnknownGrantCalledInvalid": refusing(func(a *reply, f failure, why reason, _ *request) {
		if why == "grant-type" {
			f.Error = "invalid_request"
			a.body = f
		}
	}),
	"GetAccepted": func(p *policy) { p.form.methods = append(p.form.methods, http.MethodGet) },
	"UnknownParametersRefused": func(p *policy) {
		p.form.acceptable = func(form url.Values) error {
			for name := range form {
				if !slices.Contains(known(), name) {
					return reason("malformed-body")
				}
			}
			return nil
		}
	},
	"EmptyScopeRefused": func(p *policy) {
		p.form.acceptable = func(form url.Values) error {
			if form.Has("scope") && form.Get("scope") == "" {
				return reason("parameter-missing")
			}
			return nil
		}
	},
}

// fixedValues are the parameters that have only one value.
func fixedValues() map[string]string {
	values := map[string]string{}
	for _, p := range required {
		values[p.name] = p.value
	}
	return values
}

// known are the parameters that the documentation shows, and scope.
func known() []string {
	names := []string{"scope"}
	for _, p := range required {
		names = append(names, p.name)
	}
	return names
}
