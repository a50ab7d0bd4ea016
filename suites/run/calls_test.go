package run

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

func TestCallsAreWithoutWhatWasPlanted(t *testing.T) {
	const planted = "planted-payload-of-a-run"
	secrets := &redact.Redactor{}
	if err := secrets.Register("planted secret", planted); err != nil {
		t.Fatal(err)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(planted))
	header := func() map[string]string { return map[string]string{"X-Note": planted} }
	got := fmt.Sprintf("%+v", without(secrets, journal.Called{
		Method: "GET https://host/" + planted, Error: "the payload is " + planted,
		Request: journal.Message{Header: header(), Body: "form=" + planted}, Answer: journal.Message{Header: header(), Body: `{"message":"` + encoded + `"}`},
	}))
	if strings.Contains(got, planted) || strings.Contains(got, encoded) {
		t.Errorf("the call still has it: %s", got)
	}
	if n := strings.Count(got, "[redacted: planted secret]"); n != 6 {
		t.Errorf("%d places say that something was taken out, want 6: %s", n, got)
	}
}

func TestTheCloudIsQuotedWithoutWhatWasPlanted(t *testing.T) {
	r := &Run{planted: &redact.Redactor{}}
	if err := r.planted.Register("planted secret", "planted-payload-of-a-run"); err != nil {
		t.Fatal(err)
	}
	if got := r.Quoted("denied while returning planted-payload-of-a-run"); got != "denied while returning [redacted: planted secret]" {
		t.Error(got)
	}
}
