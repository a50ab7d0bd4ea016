package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
)

// restStep is a request of the tutorial, as manifests/tutorial/README.md gives it.
type restStep struct{ name, method, url, body string }

func restSteps(t *testing.T) []restStep {
	t.Helper()
	page, err := os.ReadFile("../../manifests/tutorial/README.md")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	var steps []restStep
	for row := range strings.Lines(string(page)) {
		cells := strings.Split(row, " | ")
		if len(cells) != 5 {
			continue
		}
		said := quoted.FindAllStringSubmatch(cells[3], -1)
		if len(said) == 0 {
			continue
		}
		s := restStep{name: strings.Trim(cells[0], "| ")}
		s.method, s.url, _ = strings.Cut(said[0][1], " ")
		if len(said) > 1 {
			s.body = said[1][1]
		} else if len(steps) > 0 {
			s.body = steps[len(steps)-1].body // "the same body"
		}
		steps = append(steps, s)
	}
	return steps
}

// send makes a request under the real name of its host, and waits for the operation.
func (w *ward) send(s restStep, values map[string]string) (id string) {
	w.t.Helper()
	fill := func(text string) string {
		return regexp.MustCompile(`\b[A-Z]+\b`).ReplaceAllStringFunc(text, func(word string) string {
			if value, ok := values[word]; ok {
				return value
			}
			return word
		})
	}
	token, err := w.client.IAMToken(w.t.Context())
	w.must(err)
	request, err := http.NewRequestWithContext(w.t.Context(), s.method, fill(s.url), strings.NewReader(fill(s.body)))
	w.must(err)
	request.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, w.announce.Endpoint)
	}}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Do(request)
	w.must(err)
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	w.must(err)
	var op struct {
		ID       string
		Response struct{ ID string }
	}
	if err := json.Unmarshal(raw, &op); err != nil || answer.StatusCode != http.StatusOK || op.ID == "" {
		w.t.Fatalf("%s: %d, %v: %s", s.name, answer.StatusCode, err, raw)
	}
	w.must(w.client.Wait(w.t.Context(), s.name, &operation.Operation{Id: op.ID}, nil, nil))
	return op.Response.ID
}

// The page's requests make the tutorial's setup, in its order.
func TestTheTutorialByREST(t *testing.T) {
	w := newWard(t, clusterPlan{plain: true})
	ctx := t.Context()
	groups, err := w.client.NodeGroups().List(ctx, &k8s.ListNodeGroupsRequest{FolderId: w.announce.FolderID})
	w.must(err)
	values := map[string]string{"CLUSTER": w.cluster.GetId(), "GROUP": groups.GetNodeGroups()[0].GetId(), "FOLDER": w.announce.FolderID, "NAMESPACE": "default", "NAME": "by-rest"}
	made := map[string]string{}
	for _, s := range restSteps(t) {
		id := w.send(s, values)
		made[s.name] = id
		switch s.name {
		case "enable WLIF on a cluster":
			found, err := w.client.Clusters().Get(ctx, &k8s.GetClusterRequest{ClusterId: values["CLUSTER"]})
			w.must(err)
			values["ISSUER"], values["JWKS"] = found.GetWorkloadIdentityFederation().GetIssuer(), found.GetWorkloadIdentityFederation().GetJwksUri()
		case "federation":
			values["FEDERATION"] = id
		case "IAM service account":
			values["SA"] = id
		}
	}
	if len(made) != 7 || values["ISSUER"] == "" {
		t.Fatalf("%v, %v", made, values)
	}
	group, err := w.client.NodeGroups().Get(ctx, &k8s.GetNodeGroupRequest{NodeGroupId: values["GROUP"]})
	if err != nil || !group.GetWorkloadIdentityFederation().GetEnabled() {
		t.Errorf("node group %v, %v", group.GetWorkloadIdentityFederation(), err)
	}
	federation, err := w.client.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: values["FEDERATION"]})
	if err != nil || federation.GetIssuer() != values["ISSUER"] || !slices.Equal(federation.GetAudiences(), []string{values["ISSUER"]}) || federation.GetJwksUrl() != values["JWKS"] {
		t.Errorf("federation %v, %v", federation, err)
	}
	bound, err := w.client.Folders().ListAccessBindings(ctx, &access.ListAccessBindingsRequest{ResourceId: values["FOLDER"]})
	if err != nil || !slices.ContainsFunc(bound.GetAccessBindings(), func(b *access.AccessBinding) bool {
		return b.GetRoleId() == "lockbox.payloadViewer" && b.GetSubject().GetId() == values["SA"]
	}) {
		t.Errorf("bindings %v, %v", bound, err)
	}
	link, err := w.client.FederatedCredentials().Get(ctx, &workload.GetFederatedCredentialRequest{FederatedCredentialId: made["link"]})
	if err != nil || link.GetExternalSubjectId() != "system:serviceaccount:default:wlif" || link.GetServiceAccountId() != values["SA"] || link.GetFederationId() != values["FEDERATION"] {
		t.Errorf("link %v, %v", link, err)
	}
	secret, err := w.client.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: made["secret"]})
	if err != nil || !slices.Equal(secret.GetCurrentVersion().GetPayloadEntryKeys(), []string{"test-secret"}) {
		t.Errorf("secret %v, %v", secret, err)
	}
}
