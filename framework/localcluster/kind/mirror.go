package kind

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeimage"
)

const (
	mirrorsDir = "certs.d"
	imagesDir  = "images"
)

// mirror is a read-only registry of images of Docker's, so that a kubelet really
// pulls them, also where no registry is reached. It serves nothing else of Docker's:
// who reaches the gateway reaches it. What it does not have the runtime asks the
// real registry for.
type mirror map[string]mirrored // by repository

// mirrored is an image of the mirror. The nodes' runtime asks for one with the tag
// latest at each start of a pod (imagePullPolicy Always).
type mirrored struct {
	tag  string
	load func() (image, error)
}

// splitReference takes a full reference apart: "registry/some/repository:tag".
func splitReference(reference string) (registry, repository, tag string) {
	registry, rest, _ := strings.Cut(reference, "/")
	repository, tag, _ = strings.Cut(rest, ":")
	return registry, repository, tag
}

// image is one that the mirror serves: its manifest, and files by digest.
type image struct {
	manifest []byte
	digest   string
	blobs    map[string]string
}

// startMirror serves the mirror of what test pods run, and writes where it is.
func (c *Cluster) startMirror() error {
	l, err := c.gate.listen()
	if err != nil {
		return err
	}
	m := mirror{}
	for i, reference := range nodeimage.Workloads() {
		registry, repository, tag := splitReference(reference)
		dir := filepath.Join(c.plan.spec.Dir, imagesDir, strconv.Itoa(i))
		m[repository] = mirrored{tag: tag, load: sync.OnceValues(func() (image, error) { return save(c.alive, reference, dir) })}
		if err := c.mirrors(registry, l.Addr().String()); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	server := &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(c.alive, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }()
	return nil
}

// mirrors makes the nodes' runtime ask the mirror for a registry's images first.
func (c *Cluster) mirrors(registry, mirror string) error {
	dir := filepath.Join(c.plan.settings(), mirrorsDir, registry)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // G301: containers read it
		return err
	}
	if registry == "docker.io" {
		registry = "registry-1.docker.io"
	}
	hosts := fmt.Sprintf("server = \"https://%s\"\n\n[host.\"http://%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", registry, mirror)
	return os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(hosts), 0o600)
}

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

// ServeHTTP answers what a runtime asks to pull an image (OCI distribution
// specification, "Pull").
func (m mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/" {
		w.WriteHeader(http.StatusOK)
		return
	}
	// /v2/REPOSITORY/KIND/NAME, and no name of ours has a slash.
	place, name := path.Split(strings.TrimPrefix(r.URL.Path, "/v2/"))
	repository, kind := path.Split(path.Clean(place))
	asked, found := m[path.Clean(repository)]
	if r.Method != http.MethodGet && r.Method != http.MethodHead || !found {
		http.NotFound(w, r)
		return
	}
	has, err := asked.load()
	if err != nil {
		// Not found, so that the runtime asks the real registry.
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	switch file := has.blobs[name]; {
	case kind == "manifests" && (name == asked.tag || name == has.digest):
		w.Header().Set("Content-Type", manifestType)
		w.Header().Set("Docker-Content-Digest", has.digest)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(has.manifest)))
	case kind == "blobs" && file != "":
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Docker-Content-Digest", name)
		http.ServeFile(w, r, file)
	default:
		http.NotFound(w, r)
	}
}

// save takes an image out of Docker, into dir.
func save(ctx context.Context, reference, dir string) (image, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return image{}, err
	}
	command := exec.CommandContext(ctx, "docker", "save", reference) //nolint:gosec // G204: an image reference is one argument
	archive, err := command.StdoutPipe()
	if err != nil {
		return image{}, err
	}
	if err := command.Start(); err != nil {
		return image{}, err
	}
	got, err := unpack(archive, dir)
	_, _ = io.Copy(io.Discard, archive) // so that the command can end
	if err := errors.Join(command.Wait(), err); err != nil {
		return image{}, fmt.Errorf("taking the image %s out of Docker: %w", reference, err)
	}
	return got, nil
}

// descriptor points to content (OCI image specification).
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// unpack reads what `docker save` writes, and makes an image of the OCI's of it.
// Its layers stay as they are: Docker's are not compressed, or with gzip.
func unpack(archive io.Reader, dir string) (image, error) {
	files, err := unpackFiles(archive, dir)
	if err != nil {
		return image{}, err
	}
	var saved []struct {
		Config string
		Layers []string
	}
	raw, err := os.ReadFile(files["manifest.json"].path)
	if err == nil {
		err = json.Unmarshal(raw, &saved)
	}
	if err != nil || len(saved) != 1 {
		return image{}, errors.Join(errors.New("what Docker saved describes no image"), err)
	}
	made := image{blobs: map[string]string{}}
	add := func(name, mediaType string) (descriptor, error) {
		f, found := files[path.Clean(name)]
		if !found {
			return descriptor{}, fmt.Errorf("what Docker saved lacks %s", name)
		}
		if f.gzipped && mediaType == layerType {
			mediaType += "+gzip"
		}
		made.blobs[f.digest] = f.path
		return descriptor{MediaType: mediaType, Digest: f.digest, Size: f.size}, nil
	}
	manifest := struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Config        descriptor   `json:"config"`
		Layers        []descriptor `json:"layers"`
	}{SchemaVersion: 2, MediaType: manifestType}
	if manifest.Config, err = add(saved[0].Config, configType); err != nil {
		return image{}, err
	}
	for _, layer := range saved[0].Layers {
		d, err := add(layer, layerType)
		if err != nil {
			return image{}, err
		}
		manifest.Layers = append(manifest.Layers, d)
	}
	if made.manifest, err = json.Marshal(manifest); err != nil {
		return image{}, err
	}
	sum := sha256.Sum256(made.manifest)
	made.digest = "sha256:" + hex.EncodeToString(sum[:])
	return made, nil
}

// saved is a file of an archive.
type saved struct {
	path, digest string
	size         int64
	gzipped      bool
}

// unpackFiles writes an archive's files into dir under names of our own.
func unpackFiles(archive io.Reader, dir string) (map[string]saved, error) {
	files, links := map[string]saved{}, map[string]string{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean(header.Name)
		switch header.Typeflag {
		case tar.TypeReg:
			if files[name], err = store(reader, filepath.Join(dir, fmt.Sprint(len(files)))); err != nil {
				return nil, err
			}
		case tar.TypeSymlink: // older ones link to a layer that they have already
			links[name] = path.Join(path.Dir(name), header.Linkname) //nolint:gosec // G305: a key of a map; nothing is written under it
		}
	}
	for name, target := range links {
		if f, found := files[target]; found {
			files[name] = f
		}
	}
	return files, nil
}

// store writes a file and tells what it is.
func store(from io.Reader, to string) (s saved, err error) {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600) //nolint:gosec // G304: its name is a number
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	if s.size, err = io.Copy(io.MultiWriter(f, sum), from); err != nil {
		return s, err
	}
	var magic [2]byte
	if n, _ := f.ReadAt(magic[:], 0); n == len(magic) {
		s.gzipped = magic == [2]byte{0x1f, 0x8b}
	}
	s.path, s.digest = to, "sha256:"+hex.EncodeToString(sum.Sum(nil))
	return s, nil
}
