package terraform

import (
	"maps"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

func TestEnviron(t *testing.T) {
	for name, tc := range map[string]struct {
		credentials config.Credentials
		want        map[string]string
	}{
		"token":     {config.Credentials{Token: config.NewSecret("y0_x")}, map[string]string{"YC_TOKEN": "y0_x"}},
		"IAM token": {config.Credentials{IAMToken: config.NewSecret("t1.x")}, map[string]string{"YC_TOKEN": "t1.x"}},
		"key":       {config.Credentials{KeyFile: "/key.json"}, map[string]string{"YC_SERVICE_ACCOUNT_KEY_FILE": "/key.json"}},
		"machine":   {config.Credentials{InstanceMetadata: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{"PATH": "/bin", "TF_CLI_CONFIG_FILE": "/tfrc", "YC_ENDPOINT": "api:443", "YC_FOLDER_ID": "b1g"}
			maps.Copy(want, tc.want)
			got := environ([]string{"PATH=/bin", "TF_CLI_CONFIG_FILE=/tfrc", "TF_VAR_name=other", "TF_LOG=TRACE", "AWS_CA_BUNDLE=/ca"},
				&config.Config{Endpoint: "api:443", FolderID: "b1g", Credentials: tc.credentials})
			if !maps.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}
