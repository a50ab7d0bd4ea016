package terraform

import (
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// environ is what Terraform and its provider are started with: the cloud and the
// credentials of the run. Variables of Terraform's own could make it do something else
// than it is told; only where it has its providers from is the user's to say.
func environ(inherited []string, c *config.Config) map[string]string {
	out := map[string]string{}
	for _, variable := range inherited {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == "TF_CLI_CONFIG_FILE", name == "TF_PLUGIN_CACHE_DIR":
		case strings.HasPrefix(name, "TF_"):
			continue
		case strings.HasPrefix(name, "AWS_"): // the provider's storage client fails with AWS_CA_BUNDLE, and the module has no buckets
			continue
		}
		out[name] = value
	}
	for name, value := range map[string]string{
		"YC_ENDPOINT": c.Endpoint, "YC_FOLDER_ID": c.FolderID, "YC_CLOUD_ID": c.CloudID, "YC_ZONE": c.Zone,
		"YC_SERVICE_ACCOUNT_KEY_FILE": c.Credentials.KeyFile, "YC_TOKEN": c.Credentials.Token.Reveal(),
	} {
		if value != "" {
			out[name] = value
		}
	}
	if !c.Credentials.IAMToken.IsZero() {
		out["YC_TOKEN"] = c.Credentials.IAMToken.Reveal()
	}
	return out
}
