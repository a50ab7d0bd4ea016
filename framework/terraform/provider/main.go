// Command terraform-provider-yandex serves those resources of the official Terraform
// provider that the example module has. The provider as a whole needs a module that a
// module proxy may lack; its packages for these resources do not.
//
// The plugin SDK's part is whole. Of the plugin framework's part it serves federation,
// federated credential, service account and the role on a folder.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	frameworkschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-mux/tf5to6server"
	"github.com/hashicorp/terraform-plugin-mux/tf6muxserver"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/yandex-cloud/terraform-provider-yandex/common"
	"github.com/yandex-cloud/terraform-provider-yandex/yandex"
	account "github.com/yandex-cloud/terraform-provider-yandex/yandex-framework/gen/yandex/yandex_iam_service_account"
	credential "github.com/yandex-cloud/terraform-provider-yandex/yandex-framework/gen/yandex/yandex_iam_workload_identity_federated_credential"
	federation "github.com/yandex-cloud/terraform-provider-yandex/yandex-framework/gen/yandex/yandex_iam_workload_identity_oidc_federation"
	member "github.com/yandex-cloud/terraform-provider-yandex/yandex-framework/gen/yandex/yandex_resourcemanager_folder_iam_member"
	"github.com/yandex-cloud/terraform-provider-yandex/yandex-framework/provider/config"
)

// address is the provider's own, as configurations name it.
const address = "yandex-cloud/yandex"

func main() {
	if err := serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "terraform-provider-yandex:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context) error {
	sdk := yandex.NewSDKProvider()
	upgraded, err := tf5to6server.UpgradeServer(ctx, sdk.GRPCProvider)
	if err != nil {
		return fmt.Errorf("serving the plugin SDK's resources: %w", err)
	}
	both, err := tf6muxserver.NewMuxServer(ctx,
		providerserver.NewProtocol6(&identity{schema: sdk.Schema}),
		func() tfprotov6.ProviderServer { return upgraded })
	if err != nil {
		return fmt.Errorf("serving both kinds of resources: %w", err)
	}
	return tf6server.Serve(address, both.ProviderServer)
}

// identity serves the resources of the plugin framework.
type identity struct {
	// schema is what the plugin SDK's part says of the provider: both must say the same.
	schema map[string]*schema.Schema

	once   sync.Once
	config config.Config
}

func (p *identity) Metadata(_ context.Context, _ provider.MetadataRequest, out *provider.MetadataResponse) {
	out.TypeName = "yandex"
}

func (p *identity) Schema(_ context.Context, _ provider.SchemaRequest, out *provider.SchemaResponse) {
	attributes := map[string]frameworkschema.Attribute{}
	for name, s := range p.schema {
		switch s.Type {
		case schema.TypeBool:
			attributes[name] = frameworkschema.BoolAttribute{Optional: true, Sensitive: s.Sensitive, Description: s.Description}
		case schema.TypeInt:
			attributes[name] = frameworkschema.Int64Attribute{Optional: true, Sensitive: s.Sensitive, Description: s.Description}
		default:
			attributes[name] = frameworkschema.StringAttribute{Optional: true, Sensitive: s.Sensitive, Description: s.Description}
		}
	}
	out.Schema = frameworkschema.Schema{Attributes: attributes}
}

func (p *identity) Configure(ctx context.Context, in provider.ConfigureRequest, out *provider.ConfigureResponse) {
	if in.Config.Raw.IsNull() {
		return
	}
	p.once.Do(func() {
		state := &p.config.ProviderState
		out.Diagnostics.Append(in.Config.Get(ctx, state)...)
		for _, setting := range []struct {
			field             *types.String
			variable, without string
		}{
			{&state.Endpoint, "YC_ENDPOINT", common.DefaultEndpoint}, {&state.StorageEndpoint, "YC_STORAGE_ENDPOINT_URL", common.DefaultStorageEndpoint},
			{&state.FolderID, "YC_FOLDER_ID", ""}, {&state.CloudID, "YC_CLOUD_ID", ""}, {&state.Zone, "YC_ZONE", ""}, {&state.Region, "YC_REGION", common.DefaultRegion},
			{&state.Token, "YC_TOKEN", ""}, {&state.ServiceAccountKeyFileOrContent, "YC_SERVICE_ACCOUNT_KEY_FILE", ""},
		} {
			if setting.field.ValueString() == "" {
				*setting.field = types.StringValue(cmp.Or(os.Getenv(setting.variable), setting.without))
			}
		}
		if state.MaxRetries.IsNull() {
			state.MaxRetries = types.Int64Value(common.DefaultMaxRetries)
		}
		out.Diagnostics.Append(p.config.InitAndValidate(ctx, in.TerraformVersion, false, out.Diagnostics)...)
	})
	out.ResourceData, out.DataSourceData = &p.config, &p.config
}

func (p *identity) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{federation.NewResource, credential.NewResource, account.NewResource, member.NewResource}
}

func (p *identity) DataSources(context.Context) []func() datasource.DataSource { return nil }
