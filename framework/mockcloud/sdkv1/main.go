// Command sdkv1 is a client of the mock cloud with the first major version of the Go SDK,
// which many programs still use. It stands on a go-genproto that is years older than the
// mock's, hence the module of its own. It makes a service account, a network, a federation
// with its link and a secret, reads each back, and deletes them.
//
// The environment has YC_TOKEN, YC_ENDPOINT and YC_FOLDER_ID.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	ycsdk "github.com/yandex-cloud/go-sdk"
	"google.golang.org/protobuf/proto"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

func run(ctx context.Context) error {
	sdk, err := ycsdk.Build(ctx, ycsdk.Config{Credentials: ycsdk.OAuthToken(os.Getenv("YC_TOKEN")), Endpoint: os.Getenv("YC_ENDPOINT")})
	if err != nil {
		return fmt.Errorf("building the SDK: %w", err)
	}
	c := caller{sdk: sdk, folder: os.Getenv("YC_FOLDER_ID")}
	steps := []func(context.Context) error{c.account, c.network, c.federation, c.secret, c.clusters}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return errors.Join(err, c.clean(ctx))
		}
	}
	return c.clean(ctx)
}

type caller struct {
	sdk       *ycsdk.SDK
	folder    string
	accountID string
	// undo deletes what was made, last first.
	undo []func(context.Context) (*operation.Operation, error)
}

// made waits for a create and unpacks what it made.
func made[T proto.Message](ctx context.Context, c *caller, op *operation.Operation, err error) (none T, _ error) {
	wrapped, err := c.sdk.WrapOperation(op, err)
	if err != nil {
		return none, err
	}
	if err := wrapped.Wait(ctx); err != nil {
		return none, err
	}
	got, err := wrapped.Response()
	if err != nil {
		return none, err
	}
	row, ok := got.(T)
	if !ok {
		return none, fmt.Errorf("the operation's response is a %T, not a %T", got, none)
	}
	return row, nil
}

const name = "made-by-sdk-v1"

func (c *caller) account(ctx context.Context) error {
	api := c.sdk.IAM().ServiceAccount()
	op, err := api.Create(ctx, &iam.CreateServiceAccountRequest{FolderId: c.folder, Name: name})
	account, err := made[*iam.ServiceAccount](ctx, c, op, err)
	if err != nil {
		return fmt.Errorf("making a service account: %w", err)
	}
	c.accountID = account.Id
	c.undo = append(c.undo, func(ctx context.Context) (*operation.Operation, error) {
		return api.Delete(ctx, &iam.DeleteServiceAccountRequest{ServiceAccountId: account.Id})
	})
	list, err := api.List(ctx, &iam.ListServiceAccountsRequest{FolderId: c.folder, Filter: fmt.Sprintf("name=%q", name)})
	if err != nil || len(list.ServiceAccounts) != 1 || list.ServiceAccounts[0].Id != account.Id {
		return fmt.Errorf("listing service accounts: %v (%v)", list, err)
	}
	return nil
}

func (c *caller) network(ctx context.Context) error {
	api := c.sdk.VPC().Network()
	op, err := api.Create(ctx, &vpc.CreateNetworkRequest{FolderId: c.folder, Name: name})
	network, err := made[*vpc.Network](ctx, c, op, err)
	if err != nil {
		return fmt.Errorf("making a network: %w", err)
	}
	c.undo = append(c.undo, func(ctx context.Context) (*operation.Operation, error) {
		return api.Delete(ctx, &vpc.DeleteNetworkRequest{NetworkId: network.Id})
	})
	if got, err := api.Get(ctx, &vpc.GetNetworkRequest{NetworkId: network.Id}); err != nil || got.Name != name {
		return fmt.Errorf("reading the network: %v (%v)", got, err)
	}
	return nil
}

func (c *caller) federation(ctx context.Context) error {
	federations, links := c.sdk.WorkloadOidc().Federation(), c.sdk.Workload().FederatedCredential()
	op, err := federations.Create(ctx, &oidc.CreateFederationRequest{FolderId: c.folder, Name: name, Issuer: "https://issuer.example",
		Audiences: []string{"https://issuer.example"}, JwksUrl: "https://storage.yandexcloud.net/bucket/jwks.json"})
	federation, err := made[*oidc.Federation](ctx, c, op, err)
	if err != nil {
		return fmt.Errorf("making a federation: %w", err)
	}
	c.undo = append(c.undo, func(ctx context.Context) (*operation.Operation, error) {
		return federations.Delete(ctx, &oidc.DeleteFederationRequest{FederationId: federation.Id})
	})
	op, err = links.Create(ctx, &workload.CreateFederatedCredentialRequest{ServiceAccountId: c.accountID, FederationId: federation.Id,
		ExternalSubjectId: "system:serviceaccount:default:wlif"})
	link, err := made[*workload.FederatedCredential](ctx, c, op, err)
	if err != nil {
		return fmt.Errorf("linking the service account: %w", err)
	}
	c.undo = append(c.undo, func(ctx context.Context) (*operation.Operation, error) {
		return links.Delete(ctx, &workload.DeleteFederatedCredentialRequest{FederatedCredentialId: link.Id})
	})
	return nil
}

func (c *caller) secret(ctx context.Context) error {
	api := c.sdk.LockboxSecret().Secret()
	op, err := api.Create(ctx, &lockbox.CreateSecretRequest{FolderId: c.folder, Name: name,
		VersionPayloadEntries: []*lockbox.PayloadEntryChange{{Key: "k", Value: &lockbox.PayloadEntryChange_TextValue{TextValue: "v"}}}})
	secret, err := made[*lockbox.Secret](ctx, c, op, err)
	if err != nil {
		return fmt.Errorf("making a secret: %w", err)
	}
	c.undo = append(c.undo, func(ctx context.Context) (*operation.Operation, error) {
		return api.Delete(ctx, &lockbox.DeleteSecretRequest{SecretId: secret.Id})
	})
	payload, err := c.sdk.LockboxPayload().Payload().Get(ctx, &lockbox.GetPayloadRequest{SecretId: secret.Id})
	if err != nil || len(payload.Entries) != 1 || payload.Entries[0].GetTextValue() != "v" {
		return fmt.Errorf("reading the secret: %d entries (%v)", len(payload.GetEntries()), err)
	}
	return nil
}

func (c *caller) clusters(ctx context.Context) error {
	if _, err := c.sdk.Kubernetes().Cluster().List(ctx, &k8s.ListClustersRequest{FolderId: c.folder}); err != nil {
		return fmt.Errorf("listing clusters: %w", err)
	}
	return nil
}

func (c *caller) clean(ctx context.Context) error {
	for i := len(c.undo) - 1; i >= 0; i-- {
		op, err := c.sdk.WrapOperation(c.undo[i](ctx))
		if err == nil {
			err = op.Wait(ctx)
		}
		if err != nil {
			return fmt.Errorf("deleting what was made: %w", err)
		}
	}
	return nil
}
