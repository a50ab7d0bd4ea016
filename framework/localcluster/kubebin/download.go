package kubebin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	// indexTimeout bounds the first request only: a machine without internet must
	// not wait long to learn so.
	indexTimeout    = 4 * time.Second
	downloadTimeout = 5 * time.Minute
	releaseURL      = "https://dl.k8s.io"
)

// download puts the programs of a set into out.
func (c Cache) download(ctx context.Context, set Set, out string) error {
	if slices.Contains(set.programs, APIServer) {
		return c.downloadControlPlane(ctx, set, out)
	}
	// The index is the quick way to learn whether there is an internet.
	if _, err := c.archive(ctx, set.Version); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, downloadTimeout, fmt.Errorf("not done in %s", downloadTimeout))
	defer cancel()
	for _, program := range set.programs {
		if err := c.release(ctx, set.Version, program, out); err != nil {
			return err
		}
	}
	return nil
}

// downloadControlPlane prefers the archives of envtest. They have only etcd and
// kube-apiserver, and not of every patch version: whatever of a version they lack
// comes from the project's release binaries, which have no etcd.
func (c Cache) downloadControlPlane(ctx context.Context, set Set, out string) error {
	version := set.Version
	item, err := c.archive(ctx, version)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, downloadTimeout, fmt.Errorf("not done in %s", downloadTimeout))
	defer cancel()
	unpacked := filepath.Join(out, "envtest")
	if err := errors.Join(os.Mkdir(unpacked, 0o700), item.unpack(ctx, unpacked)); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(unpacked) }()
	for _, program := range set.programs {
		exact := item.version == version
		if program == Etcd || (exact && program == APIServer) {
			if err := os.Rename(filepath.Join(unpacked, program), filepath.Join(out, program)); err != nil {
				return err
			}
			continue
		}
		if err := c.release(ctx, version, program, out); err != nil {
			return err
		}
	}
	return nil
}

// release fetches one program of a release and verifies it with its published sum.
func (c Cache) release(ctx context.Context, version, program, out string) error {
	base := c.ReleaseURL
	if base == "" {
		base = releaseURL
	}
	address := fmt.Sprintf("%s/v%s/bin/%s/%s/%s", base, version, runtime.GOOS, runtime.GOARCH, program)
	var sum bytes.Buffer
	if err := fetch(ctx, address+".sha256", &sum); err != nil {
		return err
	}
	var content bytes.Buffer
	if err := fetch(ctx, address, &content); err != nil {
		return err
	}
	got := sha256.Sum256(content.Bytes())
	if want := strings.TrimSpace(sum.String()); hex.EncodeToString(got[:]) != want {
		return fmt.Errorf("%s has the SHA-256 %x and not the published %q", address, got, want)
	}
	return copyFile(filepath.Join(out, program), &content)
}

func fetch(ctx context.Context, address string, to io.Writer) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return brief(err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, resp.Status)
	}
	_, err = io.Copy(to, resp.Body)
	return err
}

// brief drops what the HTTP client wraps around the reason: the line is for a user.
func brief(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}
