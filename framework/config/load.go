package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/pflag" // the flags of cobra, which the binary's commands are made of
	"sigs.k8s.io/yaml"       // strict YAML through JSON, as Kubernetes reads it
)

// DefaultEndpoint is the real cloud's discovery endpoint.
const DefaultEndpoint = "api.cloud.yandex.net:443"

const envPrefix = "WLIF_"

// Variables with the project's prefix that are no keys.
const (
	// EnvConfig is the environment's way of saying --config.
	EnvConfig = envPrefix + "CONFIG"
	// EnvRunConfig is the path of the resolved configuration the suite loads.
	EnvRunConfig = envPrefix + "RUN_CONFIG"
	// EnvCanary is a secret that the suite plants where payloads go, and that the
	// launcher searches everything for that the run wrote.
	EnvCanary = envPrefix + "CANARY"
)

// flagConfig names the YAML file.
const flagConfig = "config"

// AddFlags adds one flag for every key that has one, and --config. Values are
// checked by Load, all at once.
func AddFlags(fs *pflag.FlagSet) {
	fs.String(flagConfig, "", "path of a YAML file with any of the keys below (environment: "+EnvConfig+")")
	for _, k := range table {
		if k.Flag == "" {
			continue
		}
		f := fs.VarPF(&rawFlag{text: k.Default, boolean: k.Boolean(), adds: k.repeatable()}, k.Flag, "", k.Usage())
		if k.Boolean() {
			f.NoOptDefVal = "true"
		}
	}
}

// Usage is the help line of a key: sentence, values, environment variable.
func (k Key) Usage() string {
	s := k.Help
	if _, ok := k.field.(enumField); ok {
		s += " (" + strings.Join(k.Allowed(), ", ") + ")"
	}
	return s + " [" + k.Env + "]"
}

// rawFlag keeps a flag's text for Load.
type rawFlag struct {
	text    string
	boolean bool
	// adds: the flag may be repeated, and its values are joined with commas.
	adds, given bool
}

func (f *rawFlag) String() string   { return f.text }
func (f *rawFlag) IsBoolFlag() bool { return f.boolean }
func (f *rawFlag) Set(text string) error {
	if f.adds && f.given {
		text = f.text + "," + text
	}
	f.text, f.given = text, true
	return nil
}
func (f *rawFlag) Type() string {
	if f.boolean {
		return "bool"
	}
	return "string"
}

// Load resolves the configuration: defaults < file < environment < flags. fs is
// a parsed flag set that AddFlags filled (nil: no flags), environ is os.Environ().
// The error is an *Error with everything that is wrong.
func Load(fs *pflag.FlagSet, environ []string) (*Config, error) {
	return resolve(fs, environ, (*checker).run)
}

// LoadAccess resolves the configuration of a command that only asks a cloud: the
// cloud must be there already, and no folder is demanded.
func LoadAccess(fs *pflag.FlagSet, environ []string) (*Config, error) {
	return resolve(fs, environ, (*checker).ask)
}

func resolve(fs *pflag.FlagSet, environ []string, check func(*checker)) (*Config, error) {
	l := &loader{cfg: &Config{Origins: map[string]string{}}, values: map[string]given{}}
	for _, k := range table {
		l.values[k.Name] = given{k.Default, "default"}
	}
	env := parseEnviron(environ)
	l.file(configPath(fs, env))
	l.environment(env)
	l.flags(fs)
	l.assign()
	l.complete()
	k := &checker{Config: l.cfg, origin: l.origin}
	check(k)
	l.problems = append(l.problems, k.problems...)
	if len(l.problems) > 0 {
		sortProblems(l.problems)
		return nil, &Error{Problems: l.problems}
	}
	// The suite works in the run's folder.
	for _, file := range []*string{&l.cfg.Credentials.KeyFile, &l.cfg.Kubeconfig} {
		if path, err := filepath.Abs(*file); *file != "" && err == nil {
			*file = path
		}
	}
	return l.cfg, nil
}

// sortProblems puts problems into the order of the key table, strangers first.
func sortProblems(problems []Problem) {
	order := map[string]int{}
	for i, k := range table {
		order[k.Name] = i + 1
	}
	sort.SliceStable(problems, func(i, j int) bool { return order[problems[i].Key] < order[problems[j].Key] })
}

type given struct{ text, source string }

type loader struct {
	cfg      *Config
	values   map[string]given
	problems []Problem
}

func (l *loader) origin(key string) given { return l.values[key] }

func (l *loader) problem(p Problem) { l.problems = append(l.problems, p) }

func parseEnviron(environ []string) map[string]string {
	out := make(map[string]string, len(environ))
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		out[name] = value
	}
	return out
}

func configPath(fs *pflag.FlagSet, env map[string]string) given {
	if fs != nil {
		if f := fs.Lookup(flagConfig); f != nil && f.Changed {
			return given{f.Value.String(), "flag --" + flagConfig}
		}
	}
	return given{env[EnvConfig], "environment variable " + EnvConfig}
}

func (l *loader) file(path given) {
	if path.text == "" {
		return
	}
	data, err := os.ReadFile(path.text)
	if err != nil {
		l.problem(Problem{Key: flagConfig, Value: path.text, Source: path.source, Message: "cannot read the file: " + unwrapPath(err)})
		return
	}
	l.yaml(data, path.text)
}

// unwrapPath drops the path that os errors repeat.
func unwrapPath(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

func (l *loader) yaml(data []byte, path string) {
	var doc map[string]any
	if err := yaml.UnmarshalStrict(data, &doc); err != nil {
		l.problem(Problem{Key: flagConfig, Value: path, Source: "file", Message: "not a YAML mapping of keys: " + err.Error()})
		return
	}
	l.yamlLevel("", doc, "file "+path)
}

func (l *loader) yamlLevel(prefix string, doc map[string]any, source string) {
	names := make([]string, 0, len(doc))
	for name := range doc {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		full := prefix + name
		if doc[name] == nil && (isLevel(full) || isKey(full)) {
			continue // "zone:" without a value says nothing
		}
		if k, ok := lookup(full); ok {
			text, err := k.field.yamlText(doc[name])
			if err != nil {
				l.problem(Problem{Key: full, Value: yamlShown(k, doc[name]), Source: source, Message: err.Error(), Allowed: k.Allowed()})
				continue
			}
			l.values[full] = given{text, source}
			continue
		}
		if sub, ok := doc[name].(map[string]any); ok && isLevel(full) {
			l.yamlLevel(full+".", sub, source)
			continue
		}
		l.problem(unknown(full, source, keyNames()))
	}
}

func yamlShown(k Key, v any) string {
	if k.Secret() {
		return redacted
	}
	return fmt.Sprint(v)
}

func (l *loader) environment(env map[string]string) {
	known := map[string]bool{EnvConfig: true, EnvRunConfig: true, EnvCanary: true}
	var names []string
	for _, k := range table {
		known[k.Env] = true
		names = append(names, k.Env)
		// An empty variable counts as none: CI systems set unset secrets to "".
		if v := env[k.Env]; v != "" {
			l.values[k.Name] = given{v, "environment variable " + k.Env}
		}
	}
	var strangers []string
	for name := range env {
		if strings.HasPrefix(name, envPrefix) && !known[name] {
			strangers = append(strangers, name)
		}
	}
	sort.Strings(strangers)
	for _, name := range strangers {
		l.problem(unknown(name, "environment", names))
	}
}

func (l *loader) flags(fs *pflag.FlagSet) {
	if fs == nil {
		return
	}
	for _, k := range table {
		if f := fs.Lookup(k.Flag); k.Flag != "" && f != nil && f.Changed {
			l.values[k.Name] = given{f.Value.String(), "flag --" + k.Flag}
		}
	}
}

// assign parses the winning text of every key. Empty text unsets a key that has
// no default; others would be left with a zero that means nothing.
func (l *loader) assign() {
	for _, k := range table {
		v := l.values[k.Name]
		l.cfg.Origins[k.Name] = v.source
		if v.text == "" {
			if k.Default != "" {
				l.problem(Problem{Key: k.Name, Source: v.source, Message: "must not be empty", Allowed: k.Allowed()})
			}
			continue
		}
		if err := k.field.set(l.cfg, v.text); err != nil {
			shown := v.text
			if k.Secret() {
				shown = redacted
			}
			l.problem(Problem{Key: k.Name, Value: shown, Source: v.source, Message: err.Error(), Allowed: k.Allowed()})
		}
	}
}

// complete fills what depends on other keys.
func (l *loader) complete() {
	c := l.cfg
	fill := func(key string, at *string, value, because string) {
		if *at == "" {
			*at = value
			l.values[key] = given{value, because}
			c.Origins[key] = because
		}
	}
	if len(c.Requirements) > 0 {
		fill("profile", &c.Profile, "full", "default with requirements")
	}
	fill("profile", &c.Profile, "core", "default")
	if l.values["second_cluster"].text == "" {
		c.SecondCluster = c.Cloud == CloudMock && c.Cluster != ClusterExisting
		c.Origins["second_cluster"] = "default with cloud=" + c.Cloud + ", cluster=" + c.Cluster
	}
	if c.Cloud == CloudYandex {
		fill("cluster", &c.Cluster, ClusterManaged, "default with cloud=yandex")
		fill("endpoint", &c.Endpoint, DefaultEndpoint, "default with cloud=yandex")
		return
	}
	fill("cluster", &c.Cluster, ClusterEmbedded, "default with cloud=mock")
	if c.Endpoint != "" {
		l.runningMock()
	}
	if c.Cluster != ClusterExisting {
		fill("k8s_version", &c.K8sVersion, "1.36", "default with cloud=mock")
	}
}

// runningMock replaces the real cloud's addresses: a mock answers the token
// exchange and the payload on the port of its endpoint. Where its object storage
// is only its announcement tells.
func (l *loader) runningMock() {
	c := l.cfg
	for key, v := range map[string]struct {
		at    *string
		value string
	}{
		"token_endpoint":   {&c.TokenEndpoint, "https://" + c.Endpoint + "/oauth/token"},
		"payload_endpoint": {&c.PayloadEndpoint, "https://" + c.Endpoint},
		"storage_endpoint": {&c.StorageEndpoint, ""},
	} {
		if l.values[key].source == "default" {
			*v.at = v.value
			l.values[key] = given{v.value, "default with a running mock"}
			c.Origins[key] = l.values[key].source
		}
	}
}
