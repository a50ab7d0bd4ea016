package run

import (
	"net/http"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/transcript"
)

// HTTP is a client whose requests and answers go into the journal, without secrets.
func (r *Run) HTTP() *http.Client {
	return &http.Client{Transport: &transcript.Transport{Sink: r.called}}
}

// Trace writes the calls of the cloud's API into the journal, without secrets.
func (r *Run) Trace(call cloud.Call) { r.called(transcript.Of(call)) }

// called leaves a journal that fails to the end of the run.
func (r *Run) called(call journal.Called) { _ = r.Journal.Write(without(r.planted, call)) }

// Quoted is what the cloud is quoted with, without what the run planted: that the cloud
// tells it where it must not is for a check to find, and nobody else's to read.
func (r *Run) Quoted(text string) string { return r.planted.String(text) }

// without takes secrets out of a call by their value: a cloud that tells them where
// it must not is why a call is looked at.
func without(secrets *redact.Redactor, call journal.Called) journal.Called {
	call.Method, call.Error = secrets.String(call.Method), secrets.String(call.Error)
	for _, m := range []*journal.Message{&call.Request, &call.Answer} {
		m.Body = secrets.String(m.Body)
		for name, value := range m.Header {
			m.Header[name] = secrets.String(value)
		}
	}
	return call
}
