package federation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// limit bounds a spec that makes and changes a few federations and credentials.
func limit() NodeTimeout {
	t := run.Current().Config.Timeouts
	return run.Limit(t.Operation.D(), t.Operation.D(), t.Operation.D(), t.Delete.D())
}

// example is an issuer that nobody serves: a federation is made without a look at
// its key set.
const example = "https://issuer.example/wlif"

// request is one that passes; change, if not nil, spoils it.
func request(change func(*oidc.CreateFederationRequest)) *oidc.CreateFederationRequest {
	r := run.Current()
	f := r.Fixtures()
	req := &oidc.CreateFederationRequest{
		FolderId: r.Config.FolderID, Name: f.Name("fed"), Description: "A federation of the conformance suite", Labels: maps.Clone(f.Labels()),
		Audiences: []string{example}, Issuer: example, JwksUrl: example + "/jwks.json",
	}
	if change != nil {
		change(req)
	}
	return req
}

// create makes a federation of the present spec's own.
func create(ctx context.Context, req *oidc.CreateFederationRequest) (*oidc.Federation, error) {
	made, _, err := run.Current().Fixtures().CreateFederation(ctx, req)
	return made, err
}

// given is a federation that a check stands on.
func given(ctx context.Context, change func(*oidc.CreateFederationRequest)) *oidc.Federation {
	GinkgoHelper()
	run.Step("making a federation")
	made, err := create(ctx, request(change))
	check.Prerequisite(err, "making a federation for the check")
	return made
}

// get reads a federation.
func get(ctx context.Context, id string) *oidc.Federation {
	GinkgoHelper()
	shown, err := run.Current().Cloud.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: id})
	check.NoError(err, "reading the federation")
	return shown
}

// list reads all of the folder's.
func list(ctx context.Context) []*oidc.Federation {
	GinkgoHelper()
	all, err := cloud.All(func(token string) ([]*oidc.Federation, string, error) {
		r, err := run.Current().Cloud.Federations().List(ctx, &oidc.ListFederationsRequest{FolderId: run.Current().Config.FolderID, PageSize: 1000, PageToken: token})
		return r.GetFederations(), r.GetNextPageToken(), err
	})
	check.NoError(err, "listing the folder's federations")
	return all
}

// listed finds one in a list.
func listed(ctx context.Context, id string) (*oidc.Federation, bool) {
	GinkgoHelper()
	all := list(ctx)
	i := slices.IndexFunc(all, func(f *oidc.Federation) bool { return f.GetId() == id })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

const methodUpdate = "yandex.cloud.iam.v1.workload.oidc.FederationService/Update"

// update changes what the paths name, and waits. A refusal is the target's.
func update(ctx context.Context, req *oidc.UpdateFederationRequest, paths ...string) *operation.Operation {
	GinkgoHelper()
	run.Step("updating " + strings.Join(paths, ", "))
	op, err := tryUpdate(ctx, req, paths...)
	check.NoError(calling.Judged(err), "updating the federation")
	return op
}

func tryUpdate(ctx context.Context, req *oidc.UpdateFederationRequest, paths ...string) (*operation.Operation, error) {
	c := run.Current().Cloud
	req.UpdateMask = &fieldmaskpb.FieldMask{Paths: paths}
	op, err := c.Federations().Update(ctx, req)
	if err == nil {
		err = c.Wait(ctx, methodUpdate, op, nil, nil)
	}
	return op, err
}

// wanted is the federation that a request asks for.
func wanted(req *oidc.CreateFederationRequest) *oidc.Federation {
	return &oidc.Federation{
		Name: req.GetName(), FolderId: req.GetFolderId(), Description: req.GetDescription(), Enabled: !req.GetDisabled(),
		Audiences: req.GetAudiences(), Issuer: req.GetIssuer(), JwksUrl: req.GetJwksUrl(), Labels: req.GetLabels(),
	}
}

// settable are the fields of a federation that requests set, as they compare.
// Audiences are a set.
var settable = []struct {
	name string
	of   func(*oidc.Federation) string
}{
	{"name", (*oidc.Federation).GetName},
	{"folder_id", (*oidc.Federation).GetFolderId},
	{"description", (*oidc.Federation).GetDescription},
	{"issuer", (*oidc.Federation).GetIssuer},
	{"jwks_url", (*oidc.Federation).GetJwksUrl},
	{"audiences", func(f *oidc.Federation) string { return set(f.GetAudiences()) }},
	{"enabled", func(f *oidc.Federation) string { return strconv.FormatBool(f.GetEnabled()) }},
	{"labels", func(f *oidc.Federation) string { return fmt.Sprint(f.GetLabels()) }}, // sorted by key
}

func set(texts []string) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(texts))), " ")
}

// as demands that a federation is shown as it should be, in the given fields or in
// all that can be set.
func as(where string, shown, want *oidc.Federation, fields ...string) {
	GinkgoHelper()
	var found []string
	for _, field := range settable {
		if len(fields) > 0 && !slices.Contains(fields, field.name) {
			continue
		}
		if got, want := field.of(shown), field.of(want); got != want {
			found = append(found, fmt.Sprintf("%s is %s, not %s", field.name, brief(got), brief(want)))
		}
	}
	if len(found) > 0 {
		Fail(where + " is not as it should be: " + strings.Join(found, "; "))
	}
}

// brief quotes what may have many characters.
func brief(text string) string {
	if runes := []rune(text); len(runes) > 120 {
		return strconv.Quote(string(runes[:120])) + "... (" + strconv.Itoa(len(runes)) + " characters)"
	}
	return strconv.Quote(text)
}
