package mockcloud

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"
)

// Announcement is how a client finds a mock cloud and gets in.
type Announcement struct {
	// Endpoint answers discovery and every API: the value of YC_ENDPOINT.
	Endpoint        string `json:"endpoint"`
	TokenEndpoint   string `json:"token_endpoint"`
	StorageEndpoint string `json:"storage_endpoint"`
	// Proxy leads to the mock under the real names of the cloud's hosts: the value of
	// HTTPS_PROXY. It leads nowhere else.
	Proxy string `json:"proxy"`
	// Admin is the admin port; it wants AdminToken as a bearer token.
	Admin      string `json:"admin"`
	AdminToken string `json:"admin_token"`
	// AdminTokenFile holds it too.
	AdminTokenFile string `json:"admin_token_file"`
	// CAFile is the mock's CA, CABundle that and the public roots: the value of
	// SSL_CERT_FILE.
	CAFile        string `json:"ca_file"`
	CABundle      string `json:"ca_bundle"`
	CloudID       string `json:"cloud_id"`
	FolderID      string `json:"folder_id"`
	OtherFolderID string `json:"other_folder_id"`
	// TokenFile holds the user's OAuth token: the value of YC_TOKEN.
	TokenFile string `json:"token_file"`
	// ExpiredToken is an IAM token of the user that has expired.
	ExpiredToken string `json:"expired_token"`
	// WebCertificate and WebKey are files for a web server of the client's at
	// WebAddress, which the mock fetches key sets from.
	WebAddress     string `json:"web_address"`
	WebCertificate string `json:"web_certificate"`
	WebKey         string `json:"web_key"`
	// Latencies are how long operations take, by method ("*": all others).
	Latencies map[string]string `json:"latencies"`
	// ClusterFeaturesLacking are features of a real node that clusters lack.
	ClusterFeaturesLacking []string `json:"cluster_features_lacking"`
	PID                    int      `json:"pid"`
}

// A client's web server is on the machine that the mock is on.
const (
	webAddress     = "127.0.0.1"
	webCertificate = "web.pem"
	webKey         = "web.key"
)

// Announcement describes this mock cloud.
func (c *Cloud) Announcement() Announcement {
	a := Announcement{
		Endpoint:      c.api.Addr().String(),
		TokenEndpoint: "https://" + c.api.Addr().String() + "/oauth/token", StorageEndpoint: "https://" + c.storage.Addr().String(),
		Proxy: "http://" + c.admin.Addr().String(),
		Admin: "http://" + c.admin.Addr().String(), AdminToken: c.adminToken, AdminTokenFile: filepath.Join(c.dir, adminFile),
		CAFile: filepath.Join(c.dir, "ca.pem"), CABundle: filepath.Join(c.dir, "ca-bundle.pem"),
		CloudID: c.world.CloudID, FolderID: c.world.FolderID, OtherFolderID: c.world.OtherFolderID,
		TokenFile: filepath.Join(c.dir, tokenFile), Latencies: map[string]string{}, PID: os.Getpid(),
		WebAddress: webAddress, WebCertificate: filepath.Join(c.dir, webCertificate), WebKey: filepath.Join(c.dir, webKey),
		ExpiredToken: c.kernel.Tokens.Mint(c.world.Owner, c.kernel.Clock.Now().Add(-time.Hour)),
	}
	for method, d := range c.kernel.Settings.Get().Latencies {
		a.Latencies[method] = time.Duration(d).String()
	}
	if c.engine != nil {
		a.ClusterFeaturesLacking = slices.Clone(c.engine.Lacks())
		if !c.engine.Resumes() {
			a.ClusterFeaturesLacking = append(a.ClusterFeaturesLacking, "cluster-restart")
		}
	}
	return a
}

// Write puts the announcement into a file that only its owner can read; it holds
// the admin token.
func (a Announcement) Write(file string) error {
	raw, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(file, append(raw, '\n'), 0o600)
}
