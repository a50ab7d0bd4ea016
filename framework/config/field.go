package config

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// field reads and writes one value of a Config as text.
type field interface {
	set(c *Config, text string) error
	allowed() []string
	// yamlText turns a decoded YAML value into text, or says why it is of the wrong type.
	yamlText(v any) (string, error)
}

type (
	textField     func(*Config) *string
	secretField   func(*Config) *Secret
	boolField     func(*Config) *bool
	listField     func(*Config) *[]string
	mapField      func(*Config) *map[string]Duration
	durationField func(*Config) *Duration
	enumField     struct {
		at     func(*Config) *string
		values []string
	}
	intField struct {
		at       func(*Config) *int
		min, max int
	}
)

func (f textField) set(c *Config, text string) error { *f(c) = text; return nil }
func (f textField) allowed() []string                { return nil }
func (f textField) yamlText(v any) (string, error)   { return yamlString(v) }

func (f secretField) set(c *Config, text string) error { *f(c) = NewSecret(text); return nil }
func (f secretField) allowed() []string                { return nil }
func (f secretField) yamlText(any) (string, error) {
	return "", errors.New("a secret does not belong into a file: put it into the environment")
}

func (f boolField) set(c *Config, text string) error {
	switch text {
	case "true", "1", "yes":
		*f(c) = true
	case "false", "0", "no":
		*f(c) = false
	default:
		return errors.New("neither true nor false")
	}
	return nil
}
func (f boolField) allowed() []string { return []string{"true", "false"} }
func (f boolField) yamlText(v any) (string, error) {
	if b, ok := v.(bool); ok {
		return strconv.FormatBool(b), nil
	}
	return yamlString(v)
}

func (f listField) set(c *Config, text string) error {
	var out []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	*f(c) = out
	return nil
}
func (f listField) allowed() []string { return nil }
func (f listField) yamlText(v any) (string, error) {
	items, ok := v.([]any)
	if !ok {
		return yamlString(v)
	}
	out := make([]string, len(items))
	for i, item := range items {
		s, err := yamlString(item)
		if err != nil {
			return "", err
		}
		out[i] = s
	}
	return strings.Join(out, ","), nil
}

func (f mapField) set(c *Config, text string) error {
	out := map[string]Duration{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		name, value, ok := strings.Cut(item, "=")
		if !ok {
			return fmt.Errorf("%q is not METHOD=DURATION", item)
		}
		var d Duration
		if err := d.UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("%s: %q is %w", name, value, err)
		}
		if d < 0 {
			return fmt.Errorf("%s: a duration cannot be negative", name)
		}
		out[name] = d
	}
	*f(c) = out
	return nil
}
func (f mapField) allowed() []string { return nil }
func (f mapField) yamlText(v any) (string, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return yamlString(v)
	}
	items := make([]string, 0, len(m))
	for name, value := range m {
		s, err := yamlString(value)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		items = append(items, name+"="+s)
	}
	sort.Strings(items)
	return strings.Join(items, ","), nil
}

func (f durationField) set(c *Config, text string) error {
	var d Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	if d <= 0 {
		return errors.New("must be longer than nothing")
	}
	*f(c) = d
	return nil
}
func (f durationField) allowed() []string { return nil }
func (f durationField) yamlText(v any) (string, error) {
	if _, ok := v.(float64); ok {
		return "", errors.New("a number without a unit: write 90s, 30m or 1h30m")
	}
	return yamlString(v)
}

func (f enumField) set(c *Config, text string) error {
	for _, v := range f.values {
		if v == text {
			*f.at(c) = text
			return nil
		}
	}
	return errors.New("unknown value")
}
func (f enumField) allowed() []string              { return f.values }
func (f enumField) yamlText(v any) (string, error) { return yamlString(v) }

func (f intField) set(c *Config, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return errors.New("not a whole number")
	}
	if n < f.min || n > f.max {
		return errors.New("out of range")
	}
	*f.at(c) = n
	return nil
}
func (f intField) allowed() []string { return []string{fmt.Sprintf("%d to %d", f.min, f.max)} }
func (f intField) yamlText(v any) (string, error) {
	if n, ok := v.(float64); ok && n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		return strconv.FormatInt(int64(n), 10), nil
	}
	return yamlString(v)
}

// yamlString accepts strings only. A number is refused rather than converted:
// YAML reads the version 1.30 as the number 1.3.
func yamlString(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case float64:
		return "", errors.New("YAML reads this as a number (1.30 becomes 1.3): write it in quotes")
	case bool:
		return "", errors.New("YAML reads this as true or false: write it in quotes")
	default:
		return "", errors.New("a list or a group of keys where one value is wanted")
	}
}
