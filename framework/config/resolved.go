package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Save writes the resolved configuration as JSON, without secrets, for the
// suite and for the report (mode 0600). Write the path into EnvRunConfig.
func (c *Config) Save(file string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the resolved configuration: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".config-*")
	if err != nil {
		return fmt.Errorf("writing the resolved configuration: %w", err)
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(append(data, '\n')); err != nil {
		_ = tmp.Close()
		return fmt.Errorf("writing the resolved configuration: %w", err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("writing the resolved configuration: %w", err)
	}
	return os.Rename(tmp.Name(), file)
}

// LoadResolved reads what Save wrote and adds the credentials, which only the
// environment carries (YC_TOKEN, YC_IAM_TOKEN, YC_SERVICE_ACCOUNT_KEY_FILE;
// WLIF_INSTANCE_METADATA, WLIF_EXPIRED_TOKEN). It checks nothing again but that the file is whole.
func LoadResolved(file string, environ []string) (*Config, error) {
	data, err := os.ReadFile(file) //nolint:gosec // G304: the file that the run itself wrote
	if err != nil {
		return nil, fmt.Errorf("reading the resolved configuration: %w", err)
	}
	c := &Config{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("reading the resolved configuration %s: %w", file, err)
	}
	env := parseEnviron(environ)
	for _, k := range accessKeys() {
		if v := env[k.Env]; v != "" {
			if err := k.field.set(c, v); err != nil {
				return nil, &Error{Problems: []Problem{{Key: k.Name, Source: "environment variable " + k.Env, Message: err.Error(), Allowed: k.Allowed()}}}
			}
		}
	}
	return c, nil
}

// Environ returns the environment entries that carry the credentials and the
// expired token to a child process that calls LoadResolved.
func (c *Config) Environ() []string {
	var out []string
	for name, secret := range c.Secrets() {
		out = append(out, name+"="+secret.Reveal())
	}
	slices.Sort(out)
	if c.Credentials.KeyFile != "" {
		out = append(out, envNames["service_account_key_file"]+"="+c.Credentials.KeyFile)
	}
	if c.Credentials.InstanceMetadata {
		out = append(out, envPrefix+"INSTANCE_METADATA=true")
	}
	return out
}

// Secrets returns the secrets that are set, by environment variable.
func (c *Config) Secrets() map[string]Secret {
	out := map[string]Secret{
		envNames["token"]: c.Credentials.Token, envNames["iam_token"]: c.Credentials.IAMToken, envPrefix + "EXPIRED_TOKEN": c.ExpiredToken,
	}
	maps.DeleteFunc(out, func(_ string, s Secret) bool { return s.IsZero() })
	return out
}
