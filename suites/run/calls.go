package run

import (
	"net/http"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/transcript"
)

// HTTP is a client whose requests and answers go into the journal, without secrets.
func (r *Run) HTTP() *http.Client {
	return &http.Client{Transport: &transcript.Transport{Sink: r.called}}
}

// Trace writes the calls of the cloud's API into the journal, without secrets.
func (r *Run) Trace(call cloud.Call) { r.called(transcript.Of(call)) }

// called leaves a journal that fails to the end of the run.
func (r *Run) called(call journal.Called) { _ = r.Journal.Write(call) }
