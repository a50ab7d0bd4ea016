package oauth

import (
	"fmt"
	"net/http"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
)

// answerDeviations are the bugs of the table answer.
var answerDeviations = map[string]func(*policy){
	"ExpiresInMissing": func(p *policy) {
		p.answer.granted = func(s success) any {
			return map[string]string{"access_token": s.AccessToken, "token_type": s.TokenType}
		}
	},
	"ExpiresInTooLong": granting(func(s *success) { s.ExpiresIn = int64((24 * time.Hour).Seconds()) }),
	"TokenTypeWrong":   granting(func(s *success) { s.TokenType = "N_A" }),
	"AnswerCacheable": func(p *policy) {
		p.answer.header.Del("Cache-Control")
		p.answer.header.Del("Pragma")
	},
	"TokenOfAnotherAccount": func(p *policy) {
		before := p.account.holder
		p.account.holder = func(e *Endpoint, account *iam.ServiceAccount) access.Subject {
			for _, other := range e.accounts.Accounts() {
				if other.FolderId == account.FolderId && other.Id != account.Id {
					return before(e, other)
				}
			}
			return before(e, account)
		}
	},
	"RefusalEchoesToken": refusing(func(a *reply, f failure, _ reason, q *request) {
		f.Description += " It was: " + q.peek("subject_token")
		a.body = f
	}),
	"RefusalWithoutDescription": refusing(func(a *reply, f failure, _ reason, _ *request) {
		a.body = map[string]string{"error": f.Error}
	}),
	"RefusalOfOwnCode": refusing(func(a *reply, f failure, _ reason, _ *request) {
		f.Error = "SUBJECT_TOKEN_REJECTED"
		a.body = f
	}),
	"RefusalAsSuccess": refusing(func(a *reply, _ failure, _ reason, _ *request) { a.status = http.StatusOK }),
	"RefusalAsPage": refusing(func(a *reply, f failure, _ reason, _ *request) {
		a.header.Set("Content-Type", "text/html; charset=utf-8")
		a.body = "<!DOCTYPE html><html><body><h1>" + f.Error + "</h1></body></html>\n"
	}),
	"UnknownAccountTold": refusing(func(a *reply, f failure, why reason, q *request) {
		if why == "service-account-unknown" {
			a.status, a.body = http.StatusNotFound, failure{Error: "invalid_target", Description: fmt.Sprintf("Service account %s does not exist.", q.peek("audience"))}
		}
	}),
}

// granting changes what a success says.
func granting(change func(*success)) func(*policy) {
	return func(p *policy) {
		p.answer.granted = func(s success) any {
			change(&s)
			return s
		}
	}
}

// refusing changes how a refusal is answered.
func refusing(change func(*reply, failure, reason, *request)) func(*policy) {
	return func(p *policy) {
		p.answer.refused = func(a *reply, why reason, q *request) {
			if f, ok := a.body.(failure); ok {
				change(a, f, why, q)
			}
		}
	}
}
