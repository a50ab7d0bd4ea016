package rest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gatetest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/lockbox"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/rest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

type api struct {
	*gatetest.Cloud
	t     *testing.T
	url   string
	token string
}

func start(t *testing.T) *api {
	c := gatetest.Start(t, func(k *kernel.Kernel) []kernel.Service { return lockbox.New(k, nil).Services() })
	handler, err := rest.New(c.K, c.Conn, c.Services())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &api{Cloud: c, t: t, url: server.URL, token: c.Token(c.Subject("lockbox.admin"))}
}

// call sends a request as curl would and returns the status, the body as JSON
// and the headers.
func (a *api) call(method, path, body string, headers ...string) (int, map[string]any, http.Header) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		a.t.Fatalf("%s %s: %d, no JSON: %s", method, path, resp.StatusCode, raw)
	}
	return resp.StatusCode, got, resp.Header
}

func at(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

const entries = `"versionPayloadEntries":[{"key":"test-secret","textValue":"hello-world"},{"key":"b","binaryValue":"AAE="}]`

func (a *api) create() string {
	a.t.Helper()
	code, got, _ := a.call("POST", "/lockbox/v1/secrets", `{"folderId":"`+a.Folder+`","name":"MY_SECRET",`+entries+`}`)
	id, _ := at(got, "metadata", "secretId").(string)
	if code != 200 || id == "" {
		a.t.Fatalf("%d %v", code, got)
	}
	return id
}

// The tutorial's last command, and the JSON recorded in public of the real cloud.
func TestPayloadIsReadAsInTheTutorial(t *testing.T) {
	a := start(t)
	id := a.create()
	code, got, headers := a.call("GET", "/lockbox/v1/secrets/"+id+"/payload", "")
	version := got["versionId"]
	delete(got, "versionId")
	want := map[string]any{"entries": []any{
		map[string]any{"key": "test-secret", "textValue": "hello-world"},
		map[string]any{"key": "b", "binaryValue": "AAE="},
	}}
	if code != 200 || !cmp.Equal(got, want) || version == "" || headers.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %v", code, got, headers)
	}
	for _, h := range []string{"X-Request-Id", "X-Server-Trace-Id"} {
		if headers.Get(h) == "" {
			t.Errorf("no header %s in %v", h, headers)
		}
	}
	for h := range headers {
		if strings.HasPrefix(h, "Grpc-") {
			t.Errorf("header %s", h)
		}
	}
	if code, got, _ := a.call("GET", "/lockbox/v1/secrets:getEx?folderAndName.folderId="+a.Folder+"&folder_and_name.secret_name=MY_SECRET", ""); code != 200 || at(got, "entries", "b") != "AAE=" {
		t.Errorf("%d %v", code, got)
	}
}

func TestJSONIsAsRecorded(t *testing.T) {
	a := start(t)
	id := a.create()
	code, got, _ := a.call("POST", "/lockbox/v1/secrets/"+id+":activate", "")
	secret := at(got, "response")
	delete(got, "response")
	for _, k := range []string{"id", "createdAt", "modifiedAt", "createdBy"} {
		if s, _ := got[k].(string); s == "" {
			t.Errorf("%s is %v", k, got[k])
		}
		delete(got, k)
	}
	want := map[string]any{"done": true, "description": "Activate secret", "metadata": map[string]any{
		"@type": "type.googleapis.com/yandex.cloud.lockbox.v1.ActivateSecretMetadata", "secretId": id,
	}}
	if d := cmp.Diff(want, got); code != 200 || d != "" {
		t.Errorf("%d %s", code, d)
	}
	version := at(secret, "currentVersion").(map[string]any)
	if version["id"] == "" || version["createdAt"] != "2026-01-02T03:04:05.678Z" {
		t.Errorf("version %v", version)
	}
	delete(version, "id")
	wantSecret := map[string]any{
		"@type": "type.googleapis.com/yandex.cloud.lockbox.v1.Secret", "id": id, "folderId": a.Folder, "name": "MY_SECRET", "status": "ACTIVE",
		"createdAt": "2026-01-02T03:04:05.678Z", "deletionProtection": false,
		"currentVersion": map[string]any{"secretId": id, "createdAt": "2026-01-02T03:04:05.678Z", "status": "ACTIVE", "payloadEntryKeys": []any{"test-secret", "b"}},
	}
	if d := cmp.Diff(wantSecret, secret); d != "" {
		t.Error(d)
	}
	if code, list, _ := a.call("GET", "/lockbox/v1/secrets?folderId="+a.Folder, ""); code != 200 || at(list["secrets"].([]any)[0], "deletionProtection") != false {
		t.Errorf("%d %v", code, list)
	}
}

func TestUpdateMask(t *testing.T) {
	a := start(t)
	id := a.create()
	for _, x := range []struct{ query, body, description, label string }{
		{"", `{"updateMask":"description","description":"one","name":"ignored"}`, "one", ""},
		{"?updateMask=description,deletionProtection", `{"description":"two"}`, "two", ""},
		{"?update_mask=deletion_protection,description", `{"description":"three"}`, "three", ""},
		{"?updateMask=labels", `{"labels":{"a":"b"}}`, "three", "b"},
	} {
		code, got, _ := a.call("PATCH", "/lockbox/v1/secrets/"+id+x.query, x.body)
		label, _ := at(got, "response", "labels", "a").(string)
		if code != 200 || at(got, "response", "description") != x.description || at(got, "response", "name") != "MY_SECRET" || label != x.label {
			t.Errorf("%v: %d %v", x, code, got)
		}
	}
}

func TestListParameters(t *testing.T) {
	a := start(t)
	first, second := a.create(), a.create()
	_, got, _ := a.call("GET", "/lockbox/v1/secrets?folderId="+a.Folder+"&pageSize=1", "")
	token, _ := got["nextPageToken"].(string)
	if len(got["secrets"].([]any)) != 1 || at(got["secrets"].([]any)[0], "id") != first || token == "" {
		t.Fatalf("%v", got)
	}
	_, got, _ = a.call("GET", "/lockbox/v1/secrets?folder_id="+a.Folder+"&page_size=1&pageToken="+token, "")
	if at(got["secrets"].([]any)[0], "id") != second || got["nextPageToken"] != nil {
		t.Errorf("%v", got)
	}
}

func TestErrors(t *testing.T) {
	a := start(t)
	id := a.create()
	if code, got, _ := a.call("POST", "/lockbox/v1/secrets/"+id+":deactivate", "{}"); code != 200 {
		t.Fatalf("%d %v", code, got)
	}
	none := a.Token(a.Subject())
	for name, x := range map[string]struct {
		method, path, body, token string
		status, code              int
		text                      string
	}{
		"no token":           {"GET", "/lockbox/v1/secrets/" + id, "", "-", 401, 16, "The token is missing"},
		"bad token":          {"GET", "/lockbox/v1/secrets/" + id, "", "null", 401, 16, "The token is invalid"},
		"no role":            {"GET", "/lockbox/v1/secrets/" + id + "/payload", "", none, 403, 7, "Permission to [lockbox.secret " + id},
		"no such secret":     {"GET", "/lockbox/v1/secrets/e6qnone", "", "", 404, 5, "Secret e6qnone not found"},
		"inactive":           {"GET", "/lockbox/v1/secrets/" + id + "/payload", "", "", 400, 9, "is not active"},
		"field missing":      {"GET", "/lockbox/v1/secrets", "", "", 400, 3, "Validation failed:\n  - folder_id: Field is required"},
		"not implemented":    {"GET", "/lockbox/v1/secrets/" + id + "/nothing", "", "", 404, 5, "Not Found"},
		"unknown verb":       {"POST", "/lockbox/v1/secrets/" + id + ":explode", "", "", 404, 5, "Not Found"},
		"wrong method":       {"PUT", "/lockbox/v1/secrets/" + id, "", "", 404, 5, "Not Found"},
		"no JSON":            {"POST", "/lockbox/v1/secrets", "key=value", "", 400, 3, "Invalid JSON payload received."},
		"unknown field":      {"POST", "/lockbox/v1/secrets", `{"folderID":"x"}`, "", 400, 3, `Unknown name "folderID"`},
		"wrong type":         {"POST", "/lockbox/v1/secrets", `{"versionPayloadEntries":[{"key":"a","textValue":12345678}]}`, "", 400, 3, "Invalid JSON payload received. (line 1:"},
		"unknown parameter":  {"GET", "/lockbox/v1/secrets?folderId=x&pagesize=1", "", "", 400, 3, `Unknown name "pagesize"`},
		"parameter too many": {"GET", "/lockbox/v1/secrets?folderId=x&folderId=y", "", "", 400, 3, "Invalid query parameter"},
		"bad number":         {"GET", "/lockbox/v1/secrets?folderId=x&pageSize=many", "", "", 400, 3, "Invalid query parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &api{Cloud: a.Cloud, t: t, url: a.url, token: a.token}
			if x.token != "" {
				b.token = strings.TrimSuffix(x.token, "-")
			}
			status, got, headers := b.call(x.method, x.path, x.body)
			text, _ := got["message"].(string)
			if status != x.status || got["code"] != float64(x.code) || !strings.Contains(text, x.text) || headers.Get("Content-Type") != "application/json" {
				t.Errorf("%d %v %v", status, got, headers)
			}
			if strings.Contains(text, "12345678") {
				t.Error("the answer repeats the payload")
			}
			if headers.Get("X-Request-Id") == "" {
				return // never reached the gate
			}
			detail := got["details"].([]any)[0]
			if at(detail, "@type") != "type.googleapis.com/google.rpc.RequestInfo" || at(detail, "requestId") != headers.Get("X-Request-Id") {
				t.Errorf("details %v, header %s", got["details"], headers.Get("X-Request-Id"))
			}
		})
	}
}

func TestQuotaDetailsAndTooLargeBody(t *testing.T) {
	a := start(t)
	a.K.Settings.Change(func(s *settings.Settings) { s.Quotas["lockbox.secrets.count"] = 0 })
	code, got, _ := a.call("POST", "/lockbox/v1/secrets", `{"folderId":"`+a.Folder+`"}`)
	if code != 429 || got["code"] != float64(8) || at(got["details"].([]any)[0], "@type") != "type.googleapis.com/yandex.cloud.quota.QuotaFailure" {
		t.Errorf("%d %v", code, got)
	}
	if code, got, _ := a.call("POST", "/lockbox/v1/secrets", `{"description":"`+strings.Repeat("x", 4<<20)+`"}`); code != 413 {
		t.Errorf("%d %v", code, got)
	}
}

func TestHeadersGoOn(t *testing.T) {
	a := start(t)
	key := uuid.NewString()
	body := `{"folderId":"` + a.Folder + `"}`
	_, first, _ := a.call("POST", "/lockbox/v1/secrets", body, "Idempotency-Key", key, "User-Agent", "tool/1 wlif-conformance/abc12345")
	_, second, _ := a.call("POST", "/lockbox/v1/secrets", body, "Idempotency-Key", key)
	if first["id"] == "" || first["id"] != second["id"] {
		t.Errorf("%v, then %v", first["id"], second["id"])
	}
	if got := a.K.Audit.Entries(func(e audit.Entry) bool { return e.Run == "abc12345" }); len(got) != 1 {
		t.Errorf("audited %v", got)
	}
}

// Every path of the services that the mock has can be served.
func TestEveryPathCompiles(t *testing.T) {
	var services []kernel.Service
	for _, d := range []*grpc.ServiceDesc{
		&endpoint.ApiEndpointService_ServiceDesc, &operation.OperationService_ServiceDesc,
		&resourcemanager.CloudService_ServiceDesc, &resourcemanager.FolderService_ServiceDesc,
		&iam.IamTokenService_ServiceDesc, &iam.ServiceAccountService_ServiceDesc, &iam.KeyService_ServiceDesc, &iam.RoleService_ServiceDesc,
		&oidc.FederationService_ServiceDesc, &workload.FederatedCredentialService_ServiceDesc,
		&k8s.ClusterService_ServiceDesc, &k8s.NodeGroupService_ServiceDesc, &k8s.VersionService_ServiceDesc,
		&vpc.NetworkService_ServiceDesc, &vpc.SubnetService_ServiceDesc, &vpc.GatewayService_ServiceDesc, &vpc.RouteTableService_ServiceDesc,
		&vpc.SecurityGroupService_ServiceDesc, &vpc.AddressService_ServiceDesc,
	} {
		services = append(services, kernel.Service{Desc: d})
	}
	if _, err := rest.New(nil, nil, services); err != nil {
		t.Fatal(err)
	}
}
