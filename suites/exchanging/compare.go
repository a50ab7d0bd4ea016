package exchanging

import (
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/trust"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// last is the latest exchange of the spec that is running.
var last struct {
	sync.Mutex
	form url.Values
}

func remember(form url.Values) {
	last.Lock()
	defer last.Unlock()
	last.form = form
}

// Forget forgets the exchanges of the spec before.
func Forget() { remember(nil) }

// Compare journals, after a check has failed, how the token of its latest exchange
// and what the cloud knows of the service account differ, if it made an exchange.
// It must come before what the check made is deleted.
func Compare(ctx context.Context) {
	last.Lock()
	form := last.form
	last.Unlock()
	if form == nil {
		return
	}
	r := run.Current()
	ctx, cancel := context.WithTimeout(ctx, r.Config.Timeouts.Call.D())
	defer cancel()
	token := exchange.Token(form.Get("subject_token"))
	found, err := trust.Question{Cloud: r.Cloud, ServiceAccountID: form.Get("audience")}.Explain(ctx, token, time.Now())
	Journal(found, err)
}

// Journal notes for the report what a comparison found, or why there is none.
func Journal(found exchange.Explanation, err error) {
	event := journal.Compared{}
	if err != nil {
		event.Problem = err.Error()
	} else {
		event = compared(found)
	}
	_ = run.Current().Journal.Write(event)
}

func compared(found exchange.Explanation) journal.Compared {
	var out journal.Compared
	if first, ok := found.First(); ok {
		out.First, out.Remedy = first.Name+": "+first.Text, first.Remedy
	}
	for _, row := range found.Rows() {
		out.Rows = append(out.Rows, journal.ComparedRow{About: row.About, Token: row.Token, Setup: row.Setup, Difference: row.Difference})
	}
	return out
}
