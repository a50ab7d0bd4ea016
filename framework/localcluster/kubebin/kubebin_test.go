package kubebin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

func TestResolve(t *testing.T) {
	for version, want := range map[string]string{
		"1.36": "1.36.3", "1.36.3": "1.36.3", "v1.36.3": "1.36.3", "1.30": "1.30.14",
		"1.29": "", "1.36.2": "", "1": "", "": "", "latest": "", "1.3": "", "1.36.3.1": "",
	} {
		got, ok := Resolve(version)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t, want %q", version, got, ok, want)
		}
	}
	for _, version := range Versions() {
		if major, _, _ := numbers(version); major != 1 {
			t.Errorf("%s is no version of Kubernetes 1", version)
		}
	}
}

func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"1.36", "v1.36.3", "1.", ".", "vv1.36"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, version string) {
		full, ok := Resolve(version)
		if ok && !strings.HasPrefix(full, strings.TrimPrefix(version, "v")) {
			t.Errorf("%q became %q", version, full)
		}
	})
}

func TestPublishedStaging(t *testing.T) {
	const upstream = `module k8s.io/kubernetes

go 1.26.0

godebug default=go1.26

require (
	go.etcd.io/etcd/server/v3 v3.6.8 // indirect
	k8s.io/api v0.0.0
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/sample-apiserver => ./staging/src/k8s.io/sample-apiserver
	example.com/fork => example.com/other v1.0.0
)
`
	f, err := modfile.Parse("go.mod", []byte(upstream), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := publishedStaging(f, "1.36.3"); err != nil {
		t.Fatal(err)
	}
	got, err := f.Format()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"k8s.io/api => k8s.io/api v0.36.3", "k8s.io/sample-apiserver => ./samples/sample-apiserver", "example.com/fork => example.com/other v1.0.0"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "staging") {
		t.Errorf("it keeps what only the repository has:\n%s", got)
	}
}

// program is a script that answers --version as the real one does.
func program(name, version string) []byte {
	answer := map[string]string{
		Etcd:    "etcd Version: 3.6.8",
		Kubeadm: "v" + version,
		Kubectl: "Client Version: v" + version,
	}[name]
	if answer == "" {
		answer = "Kubernetes v" + version
	}
	return []byte("#!/bin/sh\necho '" + answer + "'\n")
}

// internet serves an envtest index with one archive, and release binaries.
type internet struct {
	server    *httptest.Server
	archived  string // the version of the archive
	corrupt   string // a path whose content is not what its sum says
	downloads int
}

func newInternet(t *testing.T, archived string) *internet {
	i := &internet{archived: archived}
	i.server = httptest.NewServer(i)
	t.Cleanup(i.server.Close)
	return i
}

func (i *internet) cache(t *testing.T) Cache {
	t.Helper()
	return Cache{Root: filepath.Join(t.TempDir(), "cache"), Index: i.server.URL + "/index.yaml", ReleaseURL: i.server.URL}
}

func (i *internet) archive() []byte {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	files := tar.NewWriter(zip)
	for _, name := range []string{APIServer, Etcd, "kubectl"} {
		content := program(name, i.archived)
		_ = files.WriteHeader(&tar.Header{Name: "controller-tools/envtest/" + name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg})
		_, _ = files.Write(content)
	}
	_, _ = files.Close(), zip.Close()
	return packed.Bytes()
}

func (i *internet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := fmt.Sprintf("envtest-v%s-%s-%s.tar.gz", i.archived, runtime.GOOS, runtime.GOARCH)
	var body []byte
	switch base := filepath.Base(r.URL.Path); {
	case base == "index.yaml":
		body = fmt.Appendf(nil, "releases:\n  v%s:\n    %s:\n      hash: %x\n      selfLink: %s/%s\n", i.archived, name, sha512.Sum512(i.archive()), i.server.URL, name)
	case base == name:
		i.downloads++
		body = i.archive()
	case strings.HasSuffix(base, ".sha256"):
		body = fmt.Appendf(nil, "%x", sha256.Sum256(program(strings.TrimSuffix(base, ".sha256"), "1.36.3")))
	default:
		body = program(base, "1.36.3")
	}
	if i.corrupt != "" && strings.HasSuffix(r.URL.Path, i.corrupt) {
		body = append(body, '!')
	}
	_, _ = w.Write(body)
}

func TestDownload(t *testing.T) {
	for name, archived := range map[string]string{"the archive is of this version": "1.36.3", "the archive is of another patch": "1.36.0"} {
		t.Run(name, func(t *testing.T) {
			net := newInternet(t, archived)
			cache := net.cache(t)
			if err := os.MkdirAll(filepath.Join(cache.Root, "1.36.3.part-killed"), 0o700); err != nil {
				t.Fatal(err)
			}
			var said []string
			for range 2 {
				set, err := cache.Ensure(t.Context(), "1.36.3", func(line string) { said = append(said, line) })
				if err != nil {
					t.Fatal(err)
				}
				if err := complete(set); err != nil {
					t.Error(err)
				}
			}
			if net.downloads != 1 || len(said) != 2 || !strings.Contains(said[0], "downloaded") || !strings.Contains(said[1], "cached") {
				t.Errorf("%d downloads, and it said %q", net.downloads, said)
			}
			if left, _ := filepath.Glob(filepath.Join(cache.Root, "*.part-*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// The archive of the very patch is best, then the newest of the minor; what is no release
// is passed over.
func TestArchiveIsOfTheVersion(t *testing.T) {
	var index strings.Builder
	index.WriteString("releases:\n")
	for _, release := range []string{"v1.36.0", "v1.36.1", "v1.36.9-rc.0", "v1.35.4", "v1.35.12", "v1.35.9", "nightly", "v1.34"} {
		fmt.Fprintf(&index, "  %[1]s:\n    envtest-%[1]s-%[2]s-%[3]s.tar.gz: {hash: h, selfLink: %[1]s}\n    envtest-%[1]s-plan9-mips.tar.gz: {hash: h, selfLink: other}\n", release, runtime.GOOS, runtime.GOARCH)
	}
	index.WriteString("  v1.33.1:\n    envtest-v1.33.1-plan9-mips.tar.gz: {hash: h, selfLink: other}\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, index.String()) }))
	defer server.Close()
	for version, want := range map[string]string{"1.36.3": "1.36.1", "1.36.0": "1.36.0", "1.35.4": "1.35.4", "1.35.3": "1.35.12", "1.34.4": "", "1.33.1": ""} {
		got, err := Cache{Index: server.URL}.archive(t.Context(), version)
		if got.version != want || (err == nil) != (want != "") || want != "" && got.SelfLink != "v"+want {
			t.Errorf("%s: %+v, %v, want %s", version, got, err, want)
		}
	}
}

func TestDownloadOfANode(t *testing.T) {
	net := newInternet(t, "1.36.3")
	cache := net.cache(t)
	node, err := cache.EnsureNode(t.Context(), "1.36.3", nil)
	if err != nil {
		t.Fatal(err)
	}
	// The control plane is neither fetched with it nor put in its place.
	if net.downloads != 0 {
		t.Errorf("%d archives were fetched", net.downloads)
	}
	control, err := cache.Ensure(t.Context(), "1.36.3", nil)
	if err := errors.Join(err, complete(control), complete(node)); err != nil {
		t.Error(err)
	}
	for _, program := range []string{Kubelet, Kubeadm, Kubectl, Proxy} {
		if err := probe(t.Context(), node, program); err != nil {
			t.Error(err)
		}
	}
}

// Without go in PATH there is no way out of a download that fails: one sentence says so.
func TestNeitherDownloadNorBuild(t *testing.T) {
	for name, corrupt := range map[string]string{"archive": ".tar.gz", "release binary": "/" + Scheduler, "index": "index.yaml"} {
		t.Run(name, func(t *testing.T) {
			net := newInternet(t, "1.36.3")
			net.corrupt = corrupt
			t.Setenv("PATH", t.TempDir())
			cache := net.cache(t)
			_, err := cache.Ensure(t.Context(), "1.36.3", nil)
			if err == nil || !strings.Contains(err.Error(), "there is no go in PATH") {
				t.Errorf("%v", err)
			}
			if set, err := os.ReadDir(filepath.Join(cache.Root, "1.36.3")); err == nil {
				t.Errorf("a set was made: %v", set)
			}
		})
	}
}

func TestABrokenSetIsMadeAnew(t *testing.T) {
	net := newInternet(t, "1.36.3")
	cache := net.cache(t)
	set, err := cache.Ensure(t.Context(), "1.36.3", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func() error{
		"cut":      func() error { return os.Truncate(set.Path(Scheduler), 3) },
		"missing":  func() error { return os.Remove(set.Path(Etcd)) },
		"no list":  func() error { return os.Remove(set.Path(manifestFile)) },
		"bad list": func() error { return os.WriteFile(set.Path(manifestFile), []byte("{"), 0o600) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if complete(set) == nil {
			t.Errorf("%s: the set passes for whole", name)
		}
		if _, err := cache.Ensure(t.Context(), "1.36.3", nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := complete(set); err != nil {
			t.Errorf("%s: afterwards %v", name, err)
		}
	}
}

// TestEveryVersionHasItsSums: a version that is added to the table needs them.
func TestEveryVersionHasItsSums(t *testing.T) {
	for _, version := range Versions() {
		raw, err := pinnedSums.ReadFile("sums/" + version + ".sum")
		if err != nil {
			t.Error(err)
			continue
		}
		for _, want := range []string{"k8s.io/kubernetes v" + version + " h1:", "k8s.io/kube-scheduler " + stagingVersion(version) + "/go.mod h1:"} {
			if !strings.Contains(string(raw), want) {
				t.Errorf("%s: no line %q", version, want)
			}
		}
	}
}
