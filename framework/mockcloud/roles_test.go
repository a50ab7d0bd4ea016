package mockcloud

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// TestThePayloadNeedsItsRole: the same IAM token, the same request, and a role
// that comes, goes, or lies somewhere else, over REST and gRPC.
func TestThePayloadNeedsItsRole(t *testing.T) {
	w, secret := linked(t)
	token := w.post(w.form(w.rs256(w.claims()))).AccessToken
	account := access.Subject{Type: access.ServiceAccount, ID: w.account.Id}
	payloads := lockbox.NewPayloadServiceClient(w.cloud.as(t, account))
	read := func() (int, codes.Code) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+w.cloud.Announcement().Endpoint+"/lockbox/v1/secrets/"+secret.Id+"/payload", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := w.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Code    codes.Code
			Message string
			Details []struct{ RequestID string }
			Entries []any
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK && (body.Code != codes.PermissionDenied || body.Message == "" || len(body.Details) != 1 || len(body.Entries) != 0) {
			t.Errorf("a refusal with code %s, message %q, %d details, %d entries", body.Code, body.Message, len(body.Details), len(body.Entries))
		}
		_, err = payloads.Get(t.Context(), &lockbox.GetPayloadRequest{SecretId: secret.Id})
		return resp.StatusCode, status.Code(err)
	}
	want := func(what string, http int, grpc codes.Code) {
		t.Helper()
		if gotHTTP, gotGRPC := read(); gotHTTP != http || gotGRPC != grpc {
			t.Errorf("%s: REST %d, gRPC %s; want %d and %s", what, gotHTTP, gotGRPC, http, grpc)
		}
	}
	change := func(on state.Ref, role string, remove bool) {
		t.Helper()
		if _, err := w.cloud.Bindings().Update(on, []access.Delta{{Remove: remove, Role: role, Subject: account}}, w.cloud.clock.Now(), nil); err != nil {
			t.Fatal(err)
		}
	}
	folder, other := onFolder(w.cloud.World().FolderID), onFolder(w.cloud.World().OtherFolderID)
	itself := state.Ref{Type: "lockbox.secret", ID: secret.Id}
	const role = "lockbox.payloadViewer"

	want("no role", http.StatusForbidden, codes.PermissionDenied)
	change(other, role, false)
	want("the role on another folder", http.StatusForbidden, codes.PermissionDenied)
	change(folder, "lockbox.viewer", false)
	want("a role that sees no payloads", http.StatusForbidden, codes.PermissionDenied)
	change(folder, role, false)
	want("the role on the folder", http.StatusOK, codes.OK)
	change(folder, role, true)
	want("the role taken back", http.StatusForbidden, codes.PermissionDenied)
	change(itself, role, false)
	want("the role on the secret", http.StatusOK, codes.OK)
}
