package kind

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeimage"
)

func archive(t *testing.T, members ...string) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; i < len(members); i += 2 {
		header := &tar.Header{Name: members[i], Mode: 0o644, Size: int64(len(members[i+1])), Typeflag: tar.TypeReg}
		if link, is := strings.CutPrefix(members[i+1], "->"); is {
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, link, 0
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, members[i+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func TestTheMirrorServesWhatDockerSaved(t *testing.T) {
	gzipped := "\x1f\x8brest"
	m := mirror{"library/nginx": {tag: "latest", load: func() (image, error) {
		return unpack(archive(t, "1/layer.tar", "one", "blobs/sha256/2", gzipped, "3/layer.tar", "->../1/layer.tar", "../../escape", "out",
			"c.json", "config", "manifest.json", `[{"Config":"c.json","RepoTags":["nginx:latest"],"Layers":["1/layer.tar","blobs/sha256/2","3/layer.tar"]}]`), t.TempDir())
	}}, "some/tests/agnhost": {tag: "2.0", load: func() (image, error) {
		return unpack(archive(t, "c.json", "another", "manifest.json", `[{"Config":"c.json"}]`), t.TempDir())
	}}, "gone": {tag: "1", load: func() (image, error) { return image{}, os.ErrNotExist }}}
	s := httptest.NewServer(m)
	defer s.Close()
	get := func(path string) (int, string, http.Header) {
		resp, err := http.Get(s.URL + path) //nolint:noctx // a local server of this test
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw), resp.Header
	}
	status, body, header := get("/v2/library/nginx/manifests/latest?ns=docker.io")
	var got struct {
		Config descriptor
		Layers []descriptor
	}
	if err := json.Unmarshal([]byte(body), &got); status != http.StatusOK || err != nil {
		t.Fatalf("status %d, %s (%v)", status, body, err)
	}
	want := []descriptor{{layerType, digestOf("one"), 3}, {layerType + "+gzip", digestOf(gzipped), int64(len(gzipped))}, {layerType, digestOf("one"), 3}}
	if !slices.Equal(got.Layers, want) || got.Config != (descriptor{configType, digestOf("config"), 6}) {
		t.Errorf("the manifest is %s", body)
	}
	if header.Get("Docker-Content-Digest") != digestOf(body) || header.Get("Content-Type") != manifestType {
		t.Errorf("its headers are %v", header)
	}
	for path, want := range map[string]string{
		"/v2/library/nginx/manifests/" + digestOf(body):       body,
		"/v2/library/nginx/blobs/" + digestOf("one"):          "one",
		"/v2/library/nginx/blobs/" + digestOf("config"):       "config",
		"/v2/some/tests/agnhost/blobs/" + digestOf("another"): "another",
		"/v2/": "",
	} {
		if status, body, _ := get(path); status != http.StatusOK || body != want {
			t.Errorf("%s: status %d, %q", path, status, body)
		}
	}
	for _, path := range []string{
		"/v2/library/nginx/manifests/1.27", "/v2/library/nginx/blobs/" + digestOf("out"), "/v2/library/nginx/blobs/", "/v2/library/redis/manifests/latest",
		"/v2/some/tests/agnhost/manifests/latest", "/v2/some/tests/agnhost/blobs/" + digestOf("one"), "/v2/gone/manifests/1", "/v2/agnhost/manifests/2.0",
		"/v2/library/nginx/blobs/..%2f..%2fescape", "/",
	} {
		if status, _, _ := get(path); status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, status)
		}
	}
}

func TestWhatIsNoImage(t *testing.T) {
	for name, members := range map[string][]string{
		"nothing":      nil,
		"no manifest":  {"c.json", "x"},
		"two images":   {"c.json", "x", "manifest.json", `[{"Config":"c.json"},{"Config":"c.json"}]`},
		"a layer less": {"c.json", "x", "manifest.json", `[{"Config":"c.json","Layers":["l"]}]`},
	} {
		dir := t.TempDir()
		if got, err := unpack(archive(t, members...), dir); err == nil {
			t.Errorf("%s: made %+v", name, got)
		}
	}
	if _, err := unpack(strings.NewReader("no archive at all"), t.TempDir()); err == nil {
		t.Error("no archive: no error")
	}
}

func TestArchivesWriteNothingOutside(t *testing.T) {
	root := t.TempDir()
	dir := root + "/in"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := unpackFiles(archive(t, "../up", "x", "/abs", "y", "a/../../b", "z"), dir); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("beside the folder: %v (%v)", entries, err)
	}
}

// The reference is what Docker is asked for, its parts what a runtime asks for.
func TestWhatPodsRunCanBeMirrored(t *testing.T) {
	for _, reference := range nodeimage.Workloads() {
		registry, repository, tag := splitReference(reference)
		if !strings.Contains(registry, ".") || repository == "" || tag == "" || registry+"/"+repository+":"+tag != reference {
			t.Errorf("%s is taken apart to %q, %q and %q", reference, registry, repository, tag)
		}
	}
}
