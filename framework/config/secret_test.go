package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const text = "y0_plain"
	type holder struct {
		S config.Secret
		P *config.Secret
		M map[string]config.Secret
	}
	s := config.NewSecret(text)
	h := holder{s, &s, map[string]config.Secret{"k": s}}
	outputs := map[string]string{"String": s.String(), "error": fmt.Errorf("x %w %v", fmt.Errorf("%s", s), h).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		outputs[verb] = strings.ReplaceAll(fmt.Sprintf(verb, s, s), "%!", "")
		outputs["holder "+verb] = fmt.Sprintf(verb, h, h)
	}
	j, err := json.Marshal(h)
	outputs["JSON"] = string(j)
	y, yerr := yaml.Marshal(h)
	outputs["YAML"] = string(y)
	if err != nil || yerr != nil {
		t.Fatal(err, yerr)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "holder", h)
	outputs["slog"] = log.String()
	for how, out := range outputs {
		if strings.Contains(out, "plain") || strings.Contains(out, fmt.Sprintf("%x", text)) {
			t.Errorf("%s prints %s", how, out)
		}
	}
	if !strings.Contains(outputs["JSON"], "[redacted]") || s.Reveal() != text {
		t.Errorf("JSON is %s, Reveal gives %q", outputs["JSON"], s.Reveal())
	}
	if config.NewSecret("").String() != "" || !config.NewSecret("").IsZero() {
		t.Error("an empty secret looks like a set one")
	}
}
