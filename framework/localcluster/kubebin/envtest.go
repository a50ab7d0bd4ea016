package kubebin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"sigs.k8s.io/yaml"
)

// The library that reads this index, setup-envtest, demands that the whole project stands on
// a Kubernetes newer than any that is run here, so that all of it would be compiled twice.

// envtestIndex lists archives of etcd and kube-apiserver, which controller-tools publishes.
const envtestIndex = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"

// archive is one of the index. Its hash is a SHA-512.
type archive struct {
	version  string
	Hash     string `json:"hash"`
	SelfLink string `json:"selfLink"`
}

// archive finds the envtest archive of that version, or else the newest of its minor.
func (c Cache) archive(ctx context.Context, version string) (archive, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, indexTimeout, fmt.Errorf("no answer in %s", indexTimeout))
	defer cancel()
	address := c.Index
	if address == "" {
		address = envtestIndex
	}
	var raw bytes.Buffer
	if err := fetch(ctx, address, &raw); err != nil {
		return archive{}, fmt.Errorf("the envtest index cannot be read: %w", err)
	}
	var index struct {
		Releases map[string]map[string]archive `json:"releases"`
	}
	if err := yaml.Unmarshal(raw.Bytes(), &index); err != nil {
		return archive{}, fmt.Errorf("the envtest index %s cannot be read: %w", address, err)
	}
	major, minor, patch := numbers(version)
	var found archive
	newest := -1
	for release, archives := range index.Releases {
		of := strings.TrimPrefix(release, "v")
		a, ok := archives[fmt.Sprintf("envtest-%s-%s-%s.tar.gz", release, runtime.GOOS, runtime.GOARCH)]
		var ofMajor, ofMinor, ofPatch int
		_, err := fmt.Sscanf(of, "%d.%d.%d", &ofMajor, &ofMinor, &ofPatch)
		if !ok || err != nil || strings.Contains(of, "-") || ofMajor != major || ofMinor != minor {
			continue
		}
		if ofPatch == patch {
			ofPatch = 1 << 30 // nothing is better
		}
		if ofPatch > newest {
			newest, found = ofPatch, a
			found.version = of
		}
	}
	if newest < 0 {
		return archive{}, fmt.Errorf("envtest has no archive of %d.%d for %s/%s", major, minor, runtime.GOOS, runtime.GOARCH)
	}
	return found, nil
}

// unpack fetches the archive, verified with the sum of the index, and puts its files into
// dir.
func (a archive) unpack(ctx context.Context, dir string) error {
	var packed bytes.Buffer
	if err := fetch(ctx, a.SelfLink, &packed); err != nil {
		return err
	}
	if got := sha512.Sum512(packed.Bytes()); hex.EncodeToString(got[:]) != a.Hash {
		return fmt.Errorf("%s has the SHA-512 %x and not the index's %q: checksum mismatch", a.SelfLink, got, a.Hash)
	}
	plain, err := gzip.NewReader(&packed)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", a.SelfLink, err)
	}
	files := tar.NewReader(plain)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", a.SelfLink, err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		// They are in a folder of the archive.
		if err := copyFile(filepath.Join(dir, filepath.Base(header.Name)), files); err != nil {
			return fmt.Errorf("unpacking %s: %w", a.SelfLink, err)
		}
	}
}
