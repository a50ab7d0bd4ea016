package manifests

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// blocks reads the code blocks of the copied page, by the file each belongs to.
func blocks(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("tutorial/testdata/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		name, rest, _ := strings.Cut(section, "\n")
		_, rest, opened := strings.Cut(rest, "```\n")
		block, _, closed := strings.Cut(rest, "```\n")
		if !opened || !closed {
			t.Fatalf("the section %q has no code block", name)
		}
		found[name] = block
	}
	return found
}

// Only the values in placeholders may differ from the page, and the files have
// the page's own sample values there: so they must be the page's bytes.
func TestFilesAreTheTutorialsOwn(t *testing.T) {
	want := blocks(t)
	for _, name := range []string{ServiceAccount, Pod, SetVariables, InstallJQ, GetToken, GetSecret} {
		got, err := fs.ReadFile(FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		block, ok := want[strings.TrimPrefix(name, "tutorial/")]
		if !ok {
			t.Errorf("%s: the page has no such block", name)
		}
		if string(got) != block {
			t.Errorf("%s differs from the tutorial:\n%s\nwant\n%s", name, got, block)
		}
	}
	if len(want) != 7 {
		t.Errorf("the page has %d blocks, want the 6 files and the payload", len(want))
	}
}

func TestFillChangesOnlyThePlaceholders(t *testing.T) {
	const issuer = "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/catc7433801jabcdefgh"
	filled, err := Fill(Pod, map[string]string{IssuerPlaceholder: issuer})
	if err != nil {
		t.Fatal(err)
	}
	if back := strings.ReplaceAll(filled, issuer, IssuerPlaceholder); back != blocks(t)["pod.yaml"] {
		t.Errorf("more than the placeholder changed:\n%s", filled)
	}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(filled), &pod); err != nil {
		t.Fatal(err)
	}
	projection := pod.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken
	if projection.Audience != issuer || pod.Name != PodName || pod.Spec.ServiceAccountName != ServiceAccountName ||
		pod.Spec.Containers[0].Name != ContainerName || pod.Spec.Containers[0].VolumeMounts[0].MountPath+"/"+projection.Path != TokenPath {
		t.Errorf("pod = %+v", pod.Spec)
	}
}

func TestFillVariables(t *testing.T) {
	text, err := Fill(SetVariables, map[string]string{ServiceAccountPlaceholder: "aje1", SecretPlaceholder: "e6q1"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "SA_ID=\"aje1\" && \\\nSECRET_ID=\"e6q1\" && \\\nSA_TOKEN=\"$(cat /var/run/secrets/tokens/sa-token)\"\n"; text != want {
		t.Errorf("text = %q, want %q", text, want)
	}
}

func TestFillRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		values     map[string]string
		want       string
	}{
		{"a placeholder left", Pod, nil, "still has the placeholder"},
		{"a value for nothing", ServiceAccount, map[string]string{SecretPlaceholder: "x"}, "has no placeholder"},
		{"an empty value", Pod, map[string]string{IssuerPlaceholder: ""}, "is empty"},
		{"a value that ends the quotes", SetVariables, map[string]string{ServiceAccountPlaceholder: `a"; rm -r /; "`, SecretPlaceholder: "b"}, "has a quote"},
		{"an unknown file", "tutorial/none.yaml", nil, "none.yaml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text, err := Fill(tc.file, tc.values)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Fill = %q, %v; want an error with %q", text, err, tc.want)
			}
		})
	}
}
