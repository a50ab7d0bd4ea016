package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// oldestMinor is the oldest Kubernetes 1.x that workload identity federation
// works with (tutorial "Accessing the Yandex Cloud API from a Managed Service
// for Kubernetes cluster using a workload identity federation", 29.10.2025).
const oldestMinor = 30

var (
	minorVersion = regexp.MustCompile(`^1\.(\d{1,3})$`)
	dnsLabel     = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$`)
)

// checker looks for what one value alone cannot show to be wrong.
type checker struct {
	*Config
	origin   func(key string) given
	problems []Problem
}

// run looks at everything that a run needs. It is made of a config whose single
// values parsed; keys that did not are empty and are not complained about twice.
func (k *checker) run() {
	if k.Cloud != "" && k.Cluster != "" {
		k.target()
		if k.remote() && k.FolderID == "" {
			k.lacks("folder_id", "missing: set the folder everything is created in, with YC_FOLDER_ID or --folder-id")
		}
		k.access()
		k.existing()
		k.regional()
		k.mock()
	}
	k.version()
	k.addresses()
	k.selection()
}

// ask looks at what a command needs that only asks a cloud.
func (k *checker) ask() {
	if k.Cloud == CloudMock && k.Endpoint == "" {
		k.lacks("endpoint", "missing: there is no cloud to ask; give --cloud yandex, or the --endpoint of a mock that runs")
	}
	if k.Cloud != "" {
		k.access()
	}
	k.addresses()
}

// refuse reports a key with its value, and where that came from.
func (k *checker) refuse(key, message string, allowed ...string) {
	g := k.origin(key)
	k.problems = append(k.problems, Problem{Key: key, Value: g.text, Source: g.source, Message: message, Allowed: allowed})
}

// lacks reports a key that has no value and needs one.
func (k *checker) lacks(key, message string) {
	k.problems = append(k.problems, Problem{Key: key, Message: message})
}

func (k *checker) target() {
	onMock, onYandex := []string{ClusterEmbedded, ClusterKind, ClusterExisting}, []string{ClusterManaged, ClusterExisting}
	switch {
	case k.Cloud == CloudMock && k.Cluster == ClusterManaged:
		k.refuse("cluster", "clusters of the mock run on this machine", onMock...)
	case k.Cloud == CloudYandex && (k.Cluster == ClusterKind || k.Cluster == ClusterEmbedded):
		k.refuse("cluster", "contradicts cloud=yandex: only the mock runs clusters on this machine", onYandex...)
	}
}

// remote reports whether the cloud is one that this run does not start itself.
func (k *checker) remote() bool { return k.Cloud == CloudYandex || k.Endpoint != "" }

func (k *checker) access() {
	ways := k.Credentials.ways()
	switch {
	case len(ways) > 1:
		k.lacks("credentials", "more than one is set ("+strings.Join(ways, ", ")+"): keep one")
	case len(ways) == 0 && k.remote():
		k.lacks("credentials", "missing: set YC_TOKEN (OAuth or IAM token), YC_IAM_TOKEN, YC_SERVICE_ACCOUNT_KEY_FILE "+
			"(path of an authorized key) or, on a virtual machine of the cloud, --instance-metadata")
	}
	if t := k.Credentials.IAMToken; !t.IsZero() && !strings.HasPrefix(t.Reveal(), "t1.") {
		k.problems = append(k.problems, Problem{Key: "iam_token", Value: redacted, Source: k.origin("iam_token").source,
			Message: "an IAM token begins with t1.; for an OAuth token use YC_TOKEN"})
	}
	if strings.HasPrefix(strings.TrimSpace(k.Credentials.KeyFile), "{") {
		k.problems = append(k.problems, Problem{Key: "service_account_key_file", Value: redacted, Source: k.origin("service_account_key_file").source,
			Message: "the key itself; give the path of a file that holds it"})
		return
	}
	k.readable("service_account_key_file", k.Credentials.KeyFile)
}

func (k *checker) readable(key, file string) {
	if file == "" {
		return
	}
	f, err := os.Open(file) //nolint:gosec // G304: it is the user's own file that is asked for
	if err != nil {
		k.refuse(key, "cannot read the file: "+unwrapPath(err))
		return
	}
	_ = f.Close()
}

const noSuchCluster = "unknown cluster: the mock that this run starts has none; give --endpoint of a running mock or --mock-state"

func (k *checker) existing() {
	if k.Cluster != ClusterExisting {
		for key, v := range map[string]string{"cluster_id": k.ClusterID, "kubeconfig": k.Kubeconfig} {
			if v != "" {
				k.refuse(key, "contradicts cluster="+k.Cluster+": an existing cluster needs --cluster existing")
			}
		}
		if k.FederationID != "" {
			k.refuse("federation_id", "contradicts cluster="+k.Cluster+": a federation trusts one issuer, and that of a created cluster is not known before")
		}
		if k.SecurityGroupID != "" && k.NetworkID == "" && k.SubnetID == "" {
			k.refuse("security_group_id", "needs network_id or subnet_id: a security group is in a network, and the run would create another")
		}
	} else {
		k.existingCluster()
	}
	if k.Kubeconfig == "" {
		for key, v := range map[string]string{"issuer": k.Issuer, "jwks_url": k.JWKSURL} {
			if v != "" {
				k.refuse(key, "only with kubeconfig; a Managed Kubernetes cluster says it itself")
			}
		}
	}
	switch {
	case k.OtherClusterID == "":
	case k.OtherClusterID == k.ClusterID:
		k.refuse("other_cluster_id", "it is cluster_id; the other cluster is another one")
	case !k.remote() && k.MockState == "":
		k.refuse("other_cluster_id", noSuchCluster)
	}
	if k.Kubeconfig != "" && k.InternalEndpoint {
		k.refuse("internal_endpoint", "contradicts kubeconfig, which has an address")
	}
	k.readable("kubeconfig", k.Kubeconfig)
}

func (k *checker) existingCluster() {
	switch {
	case k.ClusterID == "" && k.Kubeconfig == "":
		k.lacks("cluster_id", "missing: --cluster existing needs --cluster-id or --kubeconfig")
	case k.ClusterID != "" && k.Kubeconfig != "":
		k.refuse("kubeconfig", "contradicts cluster_id: give one of them")
	case k.ClusterID != "" && !k.remote() && k.MockState == "":
		k.refuse("cluster_id", noSuchCluster)
	}
	for key, v := range map[string]string{"network_id": k.NetworkID, "subnet_id": k.SubnetID, "security_group_id": k.SecurityGroupID,
		"cluster_service_account_id": k.ClusterServiceAccountID, "node_service_account_id": k.NodeServiceAccountID} {
		if v != "" {
			k.refuse(key, "contradicts cluster=existing: no cluster is created then")
		}
	}
	if k.K8sVersion != "" {
		k.refuse("k8s_version", "contradicts cluster=existing: the cluster has a version already")
	}
}

func (k *checker) mock() {
	reason := ""
	switch {
	case k.Cloud == CloudYandex:
		reason = "contradicts cloud=yandex"
	case k.Endpoint != "":
		reason = "contradicts endpoint: this run starts no mock then"
	default:
		k.readable("mock_settings", k.MockSettings)
		if k.Cluster == ClusterKind && k.MockState != "" {
			k.refuse("mock_state", "contradicts cluster=kind: its containers end with the mock")
		}
		return
	}
	if k.Cloud == CloudYandex && k.ForgingKeys != "" {
		k.refuse("forging_keys", "contradicts cloud=yandex: a real federation trusts only keys that nobody had before")
	}
	for key, v := range map[string]string{"mock_settings": k.MockSettings, "mock_listen": k.MockListen, "mock_state": k.MockState} {
		if v != "" {
			k.refuse(key, reason)
		}
	}
}

func (k *checker) version() {
	if k.K8sVersion == "" {
		return
	}
	m := minorVersion.FindStringSubmatch(k.K8sVersion)
	if m == nil {
		k.refuse("k8s_version", "not a Kubernetes minor version such as 1.36")
		return
	}
	if minor, _ := strconv.Atoi(m[1]); minor < oldestMinor {
		k.refuse("k8s_version", fmt.Sprintf("too old: workload identity federation needs 1.%d or higher", oldestMinor))
	}
}

func (k *checker) addresses() {
	for key, v := range map[string]string{"endpoint": k.Endpoint, "mock_listen": k.MockListen} {
		if v == "" {
			continue
		}
		if _, port, err := net.SplitHostPort(v); err != nil || !validPort(port) {
			k.refuse(key, "not an address of the form host:port")
		}
	}
	for key, v := range map[string]string{"token_endpoint": k.TokenEndpoint, "storage_endpoint": k.StorageEndpoint,
		"payload_endpoint": k.PayloadEndpoint, "issuer": k.Issuer, "jwks_url": k.JWKSURL} {
		if v == "" {
			continue
		}
		if u, err := url.Parse(v); err != nil || u.Scheme != "https" || u.Host == "" {
			k.refuse(key, "not an https:// URL")
		}
	}
	if k.SubnetCIDR != "" {
		// Limits of a subnet: /16 to /28 (vpc.v1.CreateSubnetRequest.v4_cidr_blocks).
		p, err := netip.ParsePrefix(k.SubnetCIDR)
		if err != nil || !p.Addr().Is4() || p != p.Masked() || p.Bits() < 16 || p.Bits() > 28 {
			k.refuse("subnet_cidr", "not an IPv4 range between /16 and /28 such as 10.129.0.0/24")
		}
	}
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func (k *checker) selection() {
	if k.OtherFolderID != "" && k.OtherFolderID == k.FolderID {
		k.refuse("other_folder_id", "must not be folder_id: across folders needs two")
	}
	if t := k.ExpiredToken; !t.IsZero() && !strings.HasPrefix(t.Reveal(), "t1.") {
		k.problems = append(k.problems, Problem{Key: "expired_token", Value: redacted, Source: k.origin("expired_token").source,
			Message: "an IAM token begins with t1."})
	}
	for _, glob := range k.Requirements {
		if _, err := path.Match(glob, ""); err != nil {
			k.refuse("requirements", fmt.Sprintf("%q is not a glob such as tutorial/*", glob))
		}
	}
	if k.NamespacePrefix != "" && !dnsLabel.MatchString(k.NamespacePrefix) {
		k.refuse("namespace_prefix", "must be at most 30 lower-case letters, digits and dashes, and begin with a letter")
	}
}
