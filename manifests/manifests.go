package manifests

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed tutorial/*.yaml tutorial/*.sh terraform/*.tf
var files embed.FS

// The placeholders of the tutorial, as its page prints them.
const (
	// IssuerPlaceholder is the sample issuer URL of the pod's audience.
	IssuerPlaceholder = "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/c49i54tk66ob********"
	// ServiceAccountPlaceholder is the id of the IAM service account.
	ServiceAccountPlaceholder = "<IAM_service_account_ID>"
	// SecretPlaceholder is the id of the Lockbox secret.
	SecretPlaceholder = "<Lockbox_secret_ID>"
)

// The files of the tutorial, in the order in which its reader needs them.
const (
	ServiceAccount = "tutorial/service-account.yaml"
	Pod            = "tutorial/pod.yaml"
	SetVariables   = "tutorial/set-variables.sh"
	InstallJQ      = "tutorial/install-jq.sh"
	GetToken       = "tutorial/get-token.sh"
	GetSecret      = "tutorial/get-secret.sh"
)

// Names that the tutorial's manifests use.
const (
	ServiceAccountName = "wlif"
	PodName            = "test-wlif"
	ContainerName      = "nginx"
	// TokenPath is where the pod finds the projected token.
	TokenPath = "/var/run/secrets/tokens/sa-token"
)

// FS gives the embedded files under the names above.
func FS() fs.FS { return files }

// Terraform gives the files of the example module, which makes what the tutorial does.
func Terraform() fs.FS {
	module, err := fs.Sub(files, "terraform")
	if err != nil {
		panic(err) // its name is a constant
	}
	return module
}

// Fill reads a file and replaces placeholders by values. Every placeholder of
// the file must have a value and every value must be used, so that neither a
// sample value nor a typing mistake reaches a cluster.
func Fill(name string, values map[string]string) (string, error) {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return "", fmt.Errorf("reading the embedded %s: %w", name, err)
	}
	text := string(raw)
	for placeholder, value := range values {
		if !strings.Contains(text, placeholder) {
			return "", fmt.Errorf("%s has no placeholder %s", name, placeholder)
		}
		if strings.ContainsAny(value, "\n\r\"'`$\\") || value == "" {
			return "", fmt.Errorf("the value for %s in %s is empty or has a quote, a line end, a $ or a backslash", placeholder, name)
		}
		text = strings.ReplaceAll(text, placeholder, value)
	}
	for _, placeholder := range []string{IssuerPlaceholder, ServiceAccountPlaceholder, SecretPlaceholder} {
		if strings.Contains(text, placeholder) {
			return "", fmt.Errorf("%s still has the placeholder %s", name, placeholder)
		}
	}
	return text, nil
}
