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

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/remote"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/store"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/versions"
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
	if _, err := c.archive(ctx, &remote.HTTPClient{IndexURL: c.Index, Log: logr.Discard()}, set.Version); err != nil {
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
	client := &remote.HTTPClient{IndexURL: c.Index, Log: logr.Discard()}
	item, err := c.archive(ctx, client, version)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, downloadTimeout, fmt.Errorf("not done in %s", downloadTimeout))
	defer cancel()
	unpacked, err := c.unpack(ctx, client, item, out)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(filepath.Dir(filepath.Dir(unpacked))) }()
	for _, program := range set.programs {
		exact := item.version.String() == version
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

type archive struct {
	version  versions.Concrete
	platform versions.PlatformItem
}

// archive finds the envtest archive of that version, or else the newest of its minor.
func (c Cache) archive(ctx context.Context, client *remote.HTTPClient, version string) (archive, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, indexTimeout, fmt.Errorf("no answer in %s", indexTimeout))
	defer cancel()
	sets, err := client.ListVersions(ctx)
	if err != nil {
		return archive{}, fmt.Errorf("the envtest index cannot be read: %w", brief(err))
	}
	major, minor, patch := numbers(version)
	here := versions.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	var found *archive
	for _, set := range sets { // newest first
		if set.Version.Major != major || set.Version.Minor != minor {
			continue
		}
		for _, platform := range set.Platforms {
			if platform.Platform == here && (found == nil || set.Version.Patch == patch) {
				found = &archive{version: set.Version, platform: platform}
			}
		}
	}
	if found == nil {
		return archive{}, fmt.Errorf("envtest has no archive of %d.%d for %s", major, minor, here)
	}
	return *found, nil
}

// unpack fetches an archive, verified with the sum of the index, and returns the
// folder with its files, two levels below a folder inside out.
func (c Cache) unpack(ctx context.Context, client *remote.HTTPClient, item archive, out string) (string, error) {
	var packed bytes.Buffer
	if err := client.GetVersion(ctx, item.version, item.platform, &packed); err != nil {
		return "", brief(err)
	}
	root := filepath.Join(out, "envtest")
	files := store.NewAt(root)
	logged := logr.NewContext(ctx, logr.Discard())
	if err := files.Initialize(logged); err != nil {
		return "", err
	}
	entry := store.Item{Version: item.version, Platform: item.platform.Platform}
	if err := files.Add(logged, entry, &packed); err != nil {
		return "", err
	}
	dir, err := files.Path(entry)
	if err != nil {
		return "", err
	}
	// The store makes its folder read-only; the files are moved out of it.
	return dir, os.Chmod(dir, 0o700) //nolint:gosec // G302: it is a folder
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
