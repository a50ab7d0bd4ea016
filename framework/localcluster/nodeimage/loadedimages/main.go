// Command loadedimages is a registry on a node's own loopback with the images that
// were loaded into the node's containerd. A pod whose image has no tag always pulls
// it; where no registry answers, the pull ends here.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// address is that of /etc/containerd/certs.d/_default/hosts.toml.
const address = "127.0.0.1:5000"

func main() {
	if err := http.ListenAndServe(address, registry{get: content, resolve: digestOf}); err != nil {
		fmt.Fprintln(os.Stderr, "loadedimages:", err)
		os.Exit(1)
	}
}

// registry answers the pulling half of the OCI distribution API.
type registry struct {
	// get returns the content of a digest, resolve the digest of an image.
	get     func(ctx context.Context, digest string) ([]byte, error)
	resolve func(ctx context.Context, image string) (digest string, err error)
}

var (
	paths  = regexp.MustCompile(`^/v2/([a-z0-9._/-]+)/(manifests|blobs)/([A-Za-z0-9._:-]+)$`)
	digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

func (r registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	parts := paths.FindStringSubmatch(req.URL.Path)
	if parts == nil || (req.Method != http.MethodGet && req.Method != http.MethodHead) {
		// The API's root says only that it is one.
		if req.URL.Path != "/v2/" {
			http.NotFound(w, req)
		}
		return
	}
	name, kind, reference := parts[1], parts[2], parts[3]
	if !digest.MatchString(reference) {
		// containerd says in ns whose registry it would have asked.
		found, err := r.resolve(req.Context(), req.URL.Query().Get("ns")+"/"+name+":"+reference)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		reference = found
	}
	body, err := r.get(req.Context(), reference)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if kind == "manifests" {
		w.Header().Set("Content-Type", mediaType(body))
	}
	w.Header().Set("Docker-Content-Digest", reference)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write(body)
}

// mediaType is what a manifest says it is; OCI lets it keep silent.
func mediaType(manifest []byte) string {
	var m struct {
		MediaType string `json:"mediaType"`
		Manifests []any  `json:"manifests"`
	}
	_ = json.Unmarshal(manifest, &m)
	switch {
	case m.MediaType != "":
		return m.MediaType
	case m.Manifests != nil:
		return "application/vnd.oci.image.index.v1+json"
	}
	return "application/vnd.oci.image.manifest.v1+json"
}

func content(ctx context.Context, digest string) ([]byte, error) {
	return ctr(ctx, "content", "get", digest)
}

func digestOf(ctx context.Context, image string) (string, error) {
	list, err := ctr(ctx, "images", "list", fmt.Sprintf("name==%q", image))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(list)) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[0] == image {
			return fields[2], nil
		}
	}
	return "", fmt.Errorf("no image %s was loaded", image)
}

func ctr(ctx context.Context, args ...string) ([]byte, error) {
	return exec.CommandContext(ctx, "ctr", append([]string{"--namespace=k8s.io"}, args...)...).Output()
}
