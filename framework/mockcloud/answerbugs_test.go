package mockcloud

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// asked probes with a form that differs from the good one.
func asked(change func(url.Values)) func(*exchangeWorld) string {
	return func(w *exchangeWorld) string {
		form := w.form(w.rs256(w.claims()))
		change(form)
		return w.outcome(w.send(http.MethodPost, formType, form.Encode()))
	}
}

func requestTrials() map[string]bugTrial {
	takes := func(why string, change func(url.Values)) bugTrial {
		return bugTrial{probe: asked(change), strict: why, wrong: accepted}
	}
	const otherURN = "urn:ietf:params:oauth:other"
	return map[string]bugTrial{
		"NoTokenNoCheck":           takes("parameter-missing", func(f url.Values) { f.Del("subject_token") }),
		"MissingParametersAssumed": takes("parameter-missing", func(f url.Values) { f.Del("grant_type") }),
		"EmptyParametersAssumed":   takes("parameter-missing", func(f url.Values) { f.Set("subject_token_type", "") }),
		"RepeatedParameterTaken":   takes("parameter-twice", func(f url.Values) { f.Add("audience", unknownAccount) }),
		"TokenTypesNotCompared":    takes("subject-token-type", func(f url.Values) { f.Set("subject_token_type", otherURN) }),
		"GrantTypeNotCompared":     takes("grant-type", func(f url.Values) { f.Set("grant_type", otherURN) }),
		"UnknownGrantCalledInvalid": {strict: "unsupported_grant_type", wrong: "invalid_request", probe: func(w *exchangeWorld) string {
			form := w.form(w.rs256(w.claims()))
			form.Set("grant_type", otherURN)
			return w.post(form).Error
		}},
		"GetAccepted": {strict: "method", wrong: accepted, probe: func(w *exchangeWorld) string {
			return w.outcome(w.send(http.MethodGet, "", "", "?", w.form(w.rs256(w.claims())).Encode()))
		}},
		"UnknownParametersRefused": {probe: asked(func(f url.Values) { f.Set("foo", "bar") }), strict: accepted, wrong: "malformed-body"},
		"EmptyScopeRefused":        {probe: asked(func(f url.Values) { f.Set("scope", "") }), strict: accepted, wrong: "parameter-missing"},
	}
}

func answerTrials() map[string]bugTrial {
	granted := func(look func(*exchangeWorld, answer) string) func(*exchangeWorld) string {
		return func(w *exchangeWorld) string { return look(w, w.post(w.form(w.rs256(w.claims())))) }
	}
	refused := func(look func(sent, string) string) func(*exchangeWorld) string {
		return func(w *exchangeWorld) string {
			token := w.rs256(with(w.claims(), "sub", "nobody"))
			return look(w.send(http.MethodPost, formType, w.form(token).Encode()), token)
		}
	}
	contains := func(what string) func(*exchangeWorld) string {
		return refused(func(s sent, _ string) string { return fmt.Sprint(strings.Contains(s.body, what)) })
	}
	expires := granted(func(_ *exchangeWorld, a answer) string { return fmt.Sprint(a.ExpiresIn) })
	return map[string]bugTrial{
		"ExpiresInMissing": {probe: expires, strict: "43200", wrong: "0"},
		"ExpiresInTooLong": {probe: expires, strict: "43200", wrong: "86400"},
		"TokenTypeWrong":   {probe: granted(func(_ *exchangeWorld, a answer) string { return a.TokenType }), strict: "Bearer", wrong: "N_A"},
		"TokenOfAnotherAccount": {strict: "sa-lockbox", wrong: "sa-other", probe: granted(func(w *exchangeWorld, a answer) string {
			subject, err := w.cloud.kernel.Tokens.Read(a.AccessToken, w.cloud.clock.Now())
			if err != nil {
				w.Fatal(err)
			}
			account, _ := w.cloud.iam.Account(subject.ID)
			return account.GetName()
		})},
		"AnswerCacheable":           {probe: granted(func(_ *exchangeWorld, a answer) string { return a.Header.Get("Cache-Control") }), strict: "no-store"},
		"RefusalEchoesToken":        {probe: refused(func(s sent, token string) string { return fmt.Sprint(strings.Contains(s.body, token)) }), strict: "false", wrong: "true"},
		"RefusalWithoutDescription": {probe: contains("error_description"), strict: "true", wrong: "false"},
		"RefusalOfOwnCode":          {probe: contains(`"error":"invalid_request"`), strict: "true", wrong: "false"},
		"RefusalAsSuccess":          {probe: refused(func(s sent, _ string) string { return fmt.Sprint(s.status) }), strict: "400", wrong: "200"},
		"RefusalAsPage": {probe: refused(func(s sent, _ string) string { return s.header.Get("Content-Type") + " " + s.body[:1] }),
			strict: "application/json {", wrong: "text/html; charset=utf-8 <"},
		"UnknownAccountTold": {strict: "400 invalid_request", wrong: "404 invalid_target", probe: func(w *exchangeWorld) string {
			form := w.form(w.rs256(w.claims()))
			form.Set("audience", unknownAccount)
			a := w.post(form)
			return fmt.Sprint(a.Status, " ", a.Error)
		}},
	}
}
