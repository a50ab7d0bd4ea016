package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// load runs Load as the binary does. A file that is not empty is written and named.
func load(t testing.TB, file string, env, args []string) (*config.Config, error) {
	t.Helper()
	fs := pflag.NewFlagSet("wlif", pflag.ContinueOnError)
	config.AddFlags(fs)
	if file != "" {
		path := filepath.Join(t.TempDir(), "wlif.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"--config", path}, args...)
	}
	if err := fs.Parse(args); err != nil {
		return nil, config.FlagError(fs, err)
	}
	return config.Load(fs, env)
}

func TestDefaults(t *testing.T) {
	c, err := load(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Cloud != "mock" || c.Cluster != "embedded" || c.K8sVersion != "1.36" || c.ReleaseChannel != "rapid" || c.Profile != "core" {
		t.Errorf("defaults are %+v", c)
	}
	if c.Timeouts.ClusterCreate.D() != 30*time.Minute || c.RunTTL.D() != 90*time.Minute {
		t.Errorf("default durations are %+v, run_ttl %s", c.Timeouts, c.RunTTL)
	}
	if got := c.Origins["k8s_version"]; got != "default with cloud=mock" {
		t.Errorf("the origin of k8s_version is %q", got)
	}
}

func TestDefaultsOfTheRealCloud(t *testing.T) {
	c, err := load(t, "", []string{"YC_TOKEN=secret", "YC_FOLDER_ID=b1g"}, []string{"--cloud=yandex"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Cluster != "managed" || c.Endpoint != config.DefaultEndpoint || c.K8sVersion != "" {
		t.Errorf("cluster %q, endpoint %q, version %q", c.Cluster, c.Endpoint, c.K8sVersion)
	}
}

// With a mock that runs already nothing is sent to the real cloud's addresses.
func TestDefaultsOfARunningMock(t *testing.T) {
	env := []string{"YC_ENDPOINT=127.0.0.2:443", "YC_TOKEN=secret", "YC_FOLDER_ID=b1g"}
	c, err := load(t, "", env, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.TokenEndpoint != "https://127.0.0.2:443/oauth/token" || c.PayloadEndpoint != "https://127.0.0.2:443" || c.StorageEndpoint != "" {
		t.Errorf("endpoints %q, %q, %q", c.TokenEndpoint, c.PayloadEndpoint, c.StorageEndpoint)
	}
	c, err = load(t, "", env, []string{"--token-endpoint=https://given", "--storage-endpoint=https://s"})
	if err != nil || c.TokenEndpoint != "https://given" || c.StorageEndpoint != "https://s" {
		t.Errorf("config %+v, error %v", c, err)
	}
}

// Every source overrides the one before it, for keys of every shape.
func TestPrecedence(t *testing.T) {
	file := "zone: file\nprocs: 3\nkeep: true\ntimeout:\n  delete: 1m\nrequirements: [a/*, b]\nusual: {x.Y/Z: 3s}\n"
	env := []string{"YC_ZONE=env", "WLIF_PROCS=4", "WLIF_TIMEOUT_DELETE=2m"}
	for name, tc := range map[string]struct {
		file      string
		env, args []string
		zone      string
		procs     int
		keep      bool
		delete    time.Duration
		origin    string
	}{
		"default": {"", nil, nil, "ru-central1-a", 2, false, 5 * time.Minute, "default"},
		"file":    {file, nil, nil, "file", 3, true, time.Minute, "file "},
		"env":     {file, env, nil, "env", 4, true, 2 * time.Minute, "environment variable YC_ZONE"},
		"flags": {file, env, []string{"--zone=flag", "--procs", "5", "--keep=false", "--timeout-delete=3m"},
			"flag", 5, false, 3 * time.Minute, "flag --zone"},
		"boolean flag without value": {"", nil, []string{"--keep"}, "ru-central1-a", 2, true, 5 * time.Minute, "default"},
		"empty variable is none":     {file, []string{"YC_ZONE="}, nil, "file", 3, true, time.Minute, "file "},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, tc.file, tc.env, tc.args)
			if err != nil {
				t.Fatal(err)
			}
			if c.Zone != tc.zone || c.Procs != tc.procs || c.Keep != tc.keep || c.Timeouts.Delete.D() != tc.delete {
				t.Errorf("zone %q, procs %d, keep %t, timeout.delete %s", c.Zone, c.Procs, c.Keep, c.Timeouts.Delete)
			}
			if !strings.HasPrefix(c.Origins["zone"], tc.origin) {
				t.Errorf("the zone comes from %q", c.Origins["zone"])
			}
		})
	}
	c, err := load(t, file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Requirements) != 2 || c.Usual["x.Y/Z"].D() != 3*time.Second {
		t.Errorf("requirements %q, usual %v", c.Requirements, c.Usual)
	}
}

// A repeated flag adds to itself and replaces what other sources say; who names
// requirements and no profile means any of the catalogue.
func TestRequirementsMayBeRepeated(t *testing.T) {
	for name, tc := range map[string]struct {
		env, args []string
		want      string
		profile   string
	}{
		"none":          {nil, nil, "", "core"},
		"repeated":      {[]string{"WLIF_REQUIREMENTS=z/*"}, []string{"--requirement=a/*", "--requirement", "b/x, c/y"}, "a/*|b/x|c/y", "full"},
		"variable":      {[]string{"WLIF_REQUIREMENTS=a/*,b/*"}, nil, "a/*|b/*", "full"},
		"with profile":  {nil, []string{"--requirement=a/*", "--profile=core"}, "a/*", "core"},
		"empty profile": {nil, []string{"--profile="}, "", "core"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, "", tc.env, tc.args)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(c.Requirements, "|"); got != tc.want || c.Profile != tc.profile {
				t.Errorf("requirements %q, profile %q", got, c.Profile)
			}
		})
	}
}

// A second cluster costs on the real cloud, so that it is asked for there.
func TestSecondClusterDependsOnTheCloud(t *testing.T) {
	yandex := []string{"YC_TOKEN=y0_token", "YC_FOLDER_ID=b1g", "WLIF_CLOUD=yandex"}
	for name, tc := range map[string]struct {
		env, args []string
		want      bool
	}{
		"mock":              {nil, nil, true},
		"mock, not allowed": {nil, []string{"--second-cluster=false"}, false},
		"existing":          {nil, []string{"--cluster=existing", "--cluster-id=cat1", "--mock-state=s"}, false},
		"existing, allowed": {nil, []string{"--cluster=existing", "--cluster-id=cat1", "--mock-state=s", "--second-cluster"}, true},
		"yandex":            {yandex, nil, false},
		"yandex, allowed":   {yandex, []string{"--second-cluster"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := load(t, "", tc.env, tc.args); err != nil || c.SecondCluster != tc.want {
				t.Errorf("second cluster %+v, %v", c, err)
			}
		})
	}
}

func TestConfigFileFromTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("zone: z\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(nil, []string{"WLIF_CONFIG=" + path})
	if err != nil || c.Zone != "z" {
		t.Errorf("zone %v, error %v", c, err)
	}
}

// The suite, which reads them, works in another folder than the user.
func TestFilesAreAbsolute(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"key.json", "kubeconfig"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := load(t, "", []string{"YC_SERVICE_ACCOUNT_KEY_FILE=key.json"},
		[]string{"--cloud", "yandex", "--folder-id", "b1g00000000000000000", "--cluster", "existing", "--kubeconfig", "kubeconfig"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Credentials.KeyFile != filepath.Join(dir, "key.json") || c.Kubeconfig != filepath.Join(dir, "kubeconfig") {
		t.Errorf("the files are %s and %s", c.Credentials.KeyFile, c.Kubeconfig)
	}
}

// What is refused, and what the message must name: key, value, source, what is
// allowed.
func TestRefused(t *testing.T) {
	yandex := []string{"YC_TOKEN=y0_token", "YC_FOLDER_ID=b1g"}
	exists := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(exists, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		file string
		env  []string
		args []string
		want []string
	}{
		"unknown key":                   {"zon: a", nil, nil, []string{"zon", "file", "did you mean zone?"}},
		"unknown nested key":            {"timeout: {cluster_creat: 3m}", nil, nil, []string{"timeout.cluster_creat", "did you mean timeout.cluster_create?"}},
		"unknown key far from all":      {"qqqqqqqqqqqqqqqq: a", nil, nil, []string{"qqqqqqqqqqqqqqqq", "unknown"}},
		"duplicate key":                 {"zone: a\nzone: b", nil, nil, []string{"zone", "already"}},
		"no mapping":                    {"- a", nil, nil, []string{"not a YAML mapping"}},
		"version as a number":           {"k8s_version: 1.30", nil, nil, []string{"k8s_version", "1.3", "in quotes"}},
		"duration without unit":         {"timeout: {delete: 300}", nil, nil, []string{"timeout.delete", "300", "unit"}},
		"list where one value is":       {"zone: [a]", nil, nil, []string{"zone", "a list"}},
		"secret in the file":            {"token: y0_abc", nil, nil, []string{"token", "[redacted]", "environment"}},
		"missing file":                  {"", nil, []string{"--config=/does/not/exist"}, []string{"/does/not/exist", "flag --config", "no such file"}},
		"unknown variable":              {"", []string{"WLIF_PROFIL=x"}, nil, []string{"WLIF_PROFIL", "environment", "did you mean WLIF_PROFILE?"}},
		"unknown flag":                  {"", nil, []string{"--colud=mock"}, []string{"--colud", "did you mean --cloud?"}},
		"flag without value":            {"", nil, []string{"--zone"}, []string{"zone"}},
		"bad enum":                      {"", nil, []string{"--cloud=azure"}, []string{"cloud", `"azure"`, "flag --cloud", "mock, yandex"}},
		"bad duration":                  {"", []string{"WLIF_TIMEOUT_DELETE=5"}, nil, []string{"timeout.delete", `"5"`, "WLIF_TIMEOUT_DELETE", "30m"}},
		"zero duration":                 {"", nil, []string{"--run-ttl=0s"}, []string{"run_ttl", "longer"}},
		"bad number":                    {"", nil, []string{"--procs=many"}, []string{"procs", `"many"`, "1 to 64"}},
		"number out of range":           {"", nil, []string{"--procs=0"}, []string{"procs", "1 to 64"}},
		"bad boolean":                   {"keep: maybe", nil, nil, []string{"keep", "maybe", "true, false"}},
		"old version":                   {"", nil, []string{"--k8s-version=1.29"}, []string{"k8s_version", `"1.29"`, "1.30 or higher"}},
		"malformed version":             {"", nil, []string{"--k8s-version=v1.36.1"}, []string{"k8s_version", `"v1.36.1"`, "minor"}},
		"no credentials":                {"", []string{"YC_FOLDER_ID=b1g"}, []string{"--cloud=yandex"}, []string{"credentials", "YC_TOKEN", "YC_IAM_TOKEN", "YC_SERVICE_ACCOUNT_KEY_FILE", "--instance-metadata"}},
		"two credentials":               {"", append([]string{"YC_IAM_TOKEN=t1.a"}, yandex...), []string{"--cloud=yandex"}, []string{"YC_TOKEN, YC_IAM_TOKEN", "keep one"}},
		"OAuth token as IAM token":      {"", []string{"YC_IAM_TOKEN=y0_abc", "YC_FOLDER_ID=b1g"}, []string{"--cloud=yandex"}, []string{"iam_token", "t1."}},
		"key instead of its file":       {"", []string{"YC_SERVICE_ACCOUNT_KEY_FILE={\"private_key\": \"x\"}", "YC_FOLDER_ID=b"}, []string{"--cloud=yandex"}, []string{"[redacted]", "path"}},
		"missing key file":              {"", []string{"YC_SERVICE_ACCOUNT_KEY_FILE=/no/key", "YC_FOLDER_ID=b"}, []string{"--cloud=yandex"}, []string{"service_account_key_file", "/no/key", "no such file"}},
		"no folder":                     {"", []string{"YC_TOKEN=x"}, []string{"--cloud=yandex"}, []string{"folder_id", "YC_FOLDER_ID"}},
		"running mock needs both":       {"", nil, []string{"--endpoint=127.0.0.1:1"}, []string{"folder_id", "credentials"}},
		"managed on the mock":           {"", nil, []string{"--cluster=managed"}, []string{"cluster", `"managed"`, "run on this machine", "embedded, kind, existing"}},
		"known keys on a real cloud":    {"", yandex, []string{"--cloud=yandex", "--forging-keys=k"}, []string{"forging_keys", `"k"`, "contradicts cloud=yandex"}},
		"kind outlives no mock":         {"", nil, []string{"--cluster=kind", "--mock-state=s"}, []string{"mock_state", `"s"`, "contradicts cluster=kind"}},
		"kind without the mock":         {"", yandex, []string{"--cloud=yandex", "--cluster=kind"}, []string{"cluster", "contradicts cloud=yandex", "managed, existing"}},
		"existing without a cluster":    {"", yandex, []string{"--cloud=yandex", "--cluster=existing"}, []string{"--cluster-id or --kubeconfig"}},
		"existing twice":                {"", yandex, []string{"--cloud=yandex", "--cluster=existing", "--cluster-id=c", "--kubeconfig=" + exists}, []string{"kubeconfig", "contradicts cluster_id"}},
		"unknown cluster":               {"", nil, []string{"--cluster=existing", "--cluster-id=cat1"}, []string{"cluster_id", `"cat1"`, "unknown cluster", "--mock-state"}},
		"unknown other cluster":         {"", nil, []string{"--other-cluster-id=cat1"}, []string{"other_cluster_id", `"cat1"`, "unknown cluster", "--mock-state"}},
		"other cluster is the cluster":  {"", yandex, []string{"--cloud=yandex", "--cluster=existing", "--cluster-id=c", "--other-cluster-id=c"}, []string{"other_cluster_id", "it is cluster_id"}},
		"cluster id but not existing":   {"", nil, []string{"--cluster-id=cat1"}, []string{"cluster_id", "contradicts cluster=embedded"}},
		"federation of a new cluster":   {"", yandex, []string{"--cloud=yandex", "--federation-id=f"}, []string{"federation_id", "contradicts cluster=managed"}},
		"group without a network":       {"", yandex, []string{"--cloud=yandex", "--security-group-id=g"}, []string{"security_group_id", "needs network_id or subnet_id"}},
		"accounts of existing":          {"", yandex, []string{"--cloud=yandex", "--cluster=existing", "--cluster-id=c", "--node-service-account-id=a"}, []string{"node_service_account_id", "contradicts cluster=existing"}},
		"network of existing":           {"", yandex, []string{"--cloud=yandex", "--cluster=existing", "--cluster-id=c", "--network-id=n"}, []string{"network_id", "contradicts cluster=existing"}},
		"issuer without kubeconfig":     {"", nil, []string{"--issuer=https://x"}, []string{"issuer", "only with kubeconfig"}},
		"kubeconfig with an address":    {"", nil, []string{"--cluster=existing", "--kubeconfig=" + exists, "--internal-endpoint"}, []string{"internal_endpoint", "contradicts kubeconfig"}},
		"missing kubeconfig":            {"", nil, []string{"--cluster=existing", "--kubeconfig=/no/kubeconfig"}, []string{"kubeconfig", "no such file"}},
		"mock settings elsewhere":       {"", yandex, []string{"--cloud=yandex", "--mock-settings=" + exists}, []string{"mock_settings", "contradicts cloud=yandex"}},
		"bad endpoint":                  {"", yandex, []string{"--cloud=yandex", "--endpoint=https://api"}, []string{"endpoint", "host:port"}},
		"bad listen address":            {"", nil, []string{"--mock-listen=127.0.0.1:99999"}, []string{"mock_listen", "host:port"}},
		"plain http":                    {"", nil, []string{"--token-endpoint=http://x/token"}, []string{"token_endpoint", "https://"}},
		"bad range":                     {"", nil, []string{"--subnet-cidr=10.0.0.1/24"}, []string{"subnet_cidr", "10.129.0.0/24"}},
		"regional and existing":         {"", yandex, []string{"--cloud=yandex", "--cluster=existing", "--cluster-id=c", "--regional"}, []string{"regional", "contradicts cluster=existing"}},
		"regional in one subnet":        {"", yandex, []string{"--cloud=yandex", "--subnet-id=s", "--regional"}, []string{"subnet_id", "contradicts regional"}},
		"regional elsewhere":            {"", nil, []string{"--zone=kz1-a", "--regional"}, []string{"zone", `"kz1-a"`, "ru-central1-a, ru-central1-b, ru-central1-d"}},
		"regional without room":         {"", nil, []string{"--subnet-cidr=255.255.255.240/28", "--regional"}, []string{"subnet_cidr", "no room"}},
		"bad glob":                      {"", nil, []string{"--requirement=tutorial/["}, []string{"requirements", "glob"}},
		"one folder twice":              {"", yandex, []string{"--cloud=yandex", "--other-folder-id=b1g"}, []string{"other_folder_id", "must not be folder_id"}},
		"expired token of another kind": {"", []string{"WLIF_EXPIRED_TOKEN=y0_old"}, nil, []string{"expired_token", "t1."}},
		"old name of the flag":          {"", nil, []string{"--requirements=a"}, []string{"--requirements", "did you mean --requirement?"}},
		"bad namespace prefix":          {"", nil, []string{"--namespace-prefix=Wlif"}, []string{"namespace_prefix", "lower-case"}},
		"usual without duration":        {"", nil, []string{"--usual=a.B/C"}, []string{"usual", "METHOD=DURATION"}},
		"empty zone":                    {"", nil, []string{"--zone="}, []string{"zone", "empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, tc.file, tc.env, tc.args)
			var ce *config.Error
			if !errors.As(err, &ce) {
				t.Fatalf("want a *config.Error, have %v (config %+v)", err, c)
			}
			if ce.ExitCode() != 2 {
				t.Errorf("exit code %d", ce.ExitCode())
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message does not say %q: %s", want, err)
				}
			}
			if strings.Contains(err.Error(), "y0_") || strings.Contains(err.Error(), "private_key") {
				t.Errorf("the message has a secret in it: %s", err)
			}
		})
	}
}

// Who only asks a cloud needs one, and its credentials, and nothing to create in.
func TestLoadAccess(t *testing.T) {
	for name, tc := range map[string]struct {
		env  []string
		want []string
	}{
		"no cloud":       {nil, []string{"endpoint", "--cloud yandex"}},
		"no credentials": {[]string{"WLIF_CLOUD=yandex"}, []string{"credentials", "YC_TOKEN"}},
		"bad address":    {[]string{"WLIF_CLOUD=yandex", "YC_TOKEN=y0_t", "WLIF_TOKEN_ENDPOINT=http://x"}, []string{"token_endpoint", "https://"}},
		"the real cloud": {[]string{"WLIF_CLOUD=yandex", "YC_TOKEN=y0_t"}, nil},
		"a mock":         {[]string{"YC_ENDPOINT=127.0.0.1:1", "YC_TOKEN=y0_t"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := config.LoadAccess(nil, tc.env)
			if (err != nil) != (tc.want != nil) || err == nil && (c.Endpoint == "" || c.TokenEndpoint == "") {
				t.Fatalf("%+v, %v", c, err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message does not say %q: %v", want, err)
				}
			}
		})
	}
}

func TestAllProblemsAtOnceInTheOrderOfTheTable(t *testing.T) {
	_, err := load(t, "nonsense: 1\n", []string{"WLIF_PROCS=x"}, []string{"--k8s-version=1.29", "--run-ttl=5"})
	var ce *config.Error
	if !errors.As(err, &ce) {
		t.Fatal(err)
	}
	var keys []string
	for _, p := range ce.Problems {
		keys = append(keys, p.Key)
	}
	if got := strings.Join(keys, " "); got != "nonsense k8s_version procs run_ttl" {
		t.Errorf("the problems are about %s", got)
	}
}

func TestResolvedRoundTrip(t *testing.T) {
	env := []string{"YC_TOKEN=y0_very_secret_token", "YC_FOLDER_ID=b1g", "WLIF_EXPIRED_TOKEN=t1.very_old"}
	c, err := load(t, "usual: {a.B/C: 1m}\n", env, []string{"--cloud=yandex", "--requirement=a/*", "--slow", "--other-folder-id=b1h"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "y0_very") || strings.Contains(string(data), "very_old") {
		t.Fatal("a token is in the file")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	back, err := config.LoadResolved(path, c.Environ())
	if err != nil {
		t.Fatal(err)
	}
	if back.Credentials.Token.Reveal() != "y0_very_secret_token" || back.FolderID != "b1g" || back.Timeouts != c.Timeouts ||
		back.Usual["a.B/C"] != c.Usual["a.B/C"] || len(back.Requirements) != 1 || back.Node != c.Node ||
		back.ExpiredToken.Reveal() != "t1.very_old" || !back.Slow || back.OtherFolderID != "b1h" {
		t.Errorf("read back: %+v", back)
	}
}

// Every key has a help sentence and names of its own in every source.
func TestTable(t *testing.T) {
	seen := map[string]string{}
	for _, k := range config.Keys() {
		if k.Help == "" || k.Group == "" {
			t.Errorf("%s has no help or no group", k.Name)
		}
		if k.Secret() != (k.Flag == "") {
			t.Errorf("%s: only secrets have no flag", k.Name)
		}
		for _, name := range []string{"key " + k.Name, "variable " + k.Env, "flag " + k.Flag} {
			if other, twice := seen[name]; twice && name != "flag " {
				t.Errorf("%s and %s share the %s", other, k.Name, name)
			}
			seen[name] = k.Name
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, s := range []string{"zone: a", "timeout: {delete: 3m}", "usual: {a/B: 1s}", "procs: 1e300", "k8s_version: 1.30", "requirements: [1, [2]]", "a: &a {b: *a}", "timeout: 5", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file string) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(nil, []string{"WLIF_CONFIG=" + path})
		var ce *config.Error
		if err != nil && (!errors.As(err, &ce) || len(ce.Problems) == 0) {
			t.Errorf("not a *config.Error: %v", err)
		}
		if err == nil && (c.Zone == "" || c.Timeouts.Delete <= 0 || c.Procs < 1) {
			t.Errorf("accepted %q as %+v", file, c)
		}
	})
}

func FuzzNearest(f *testing.F) {
	f.Add("zon", "zone")
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := config.Nearest(a, []string{b}); got != "" && got != b {
			t.Errorf("Nearest(%q, %q) = %q", a, b, got)
		}
		if a != "" && config.Nearest(a, []string{b, a}) == "" {
			t.Errorf("Nearest does not find %q itself", a)
		}
	})
}
