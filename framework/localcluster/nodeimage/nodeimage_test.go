package nodeimage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"golang.org/x/mod/modfile"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
)

func TestEveryVersionHasAReference(t *testing.T) {
	for _, full := range kubebin.Versions() {
		if got := Reference(full); got != "kindest/node:v"+full {
			t.Errorf("%s: %s", full, got)
		}
	}
	_, err := Ensure(t.Context(), "1.29", nil)
	if err == nil || !strings.Contains(err.Error(), kubebin.Versions()[0]) {
		t.Errorf("an unknown version: %v", err)
	}
}

func TestUsable(t *testing.T) {
	built := func(base string) map[string]string { return map[string]string{builtLabel: "true", baseLabel: base} }
	for name, tc := range map[string]struct {
		labels    map[string]string
		published bool
		want      bool
	}{
		"built on this base":                        {built("now"), true, true},
		"built on this base, where nothing else is": {built("now"), false, true},
		"built on another base":                     {built("then"), true, false},
		"pulled":                                    {nil, true, true},
		"pulled, on a host where it cannot run":     {map[string]string{"maintainer": "x"}, false, false},
	} {
		if got := usable(tc.labels, "now", tc.published); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// docker in PATH that has an image once it was provided.
func fakeDocker(t *testing.T, version string) (provided string) {
	t.Helper()
	dir := t.TempDir()
	provided = filepath.Join(dir, "provided")
	script := "#!/bin/sh\ncase $1 in\nversion) " + version + " ;;\nimage) [ -e " + provided + " ] && echo '{\"a\":\"b\"}' ;;\n*) exit 1 ;;\nesac\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return provided
}

func TestTwoRunsGetAnImageOnce(t *testing.T) {
	provided := fakeDocker(t, "true")
	has := func(labels map[string]string) bool { return labels["a"] == "b" }
	entered, waiting := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		first <- ensure(t.Context(), "an/image:tag", nil, has, func(func(string)) error {
			close(entered)
			<-waiting
			return os.WriteFile(provided, nil, 0o600)
		})
	}()
	<-entered
	say := func(line string) {
		if strings.Contains(line, "another run") {
			close(waiting)
		}
	}
	if err := ensure(t.Context(), "an/image:tag", say, has, func(func(string)) error { return errors.New("a second time") }); err != nil {
		t.Error(err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestAFailureNamesTheImage(t *testing.T) {
	fakeDocker(t, "true")
	err := ensure(t.Context(), "an/image:tag", nil, nil, func(func(string)) error { return errors.New("no such luck") })
	if err == nil || err.Error() != "getting the image an/image:tag: no such luck" {
		t.Error(err)
	}
}

func TestWithoutDocker(t *testing.T) {
	fakeDocker(t, "echo no daemon >&2; exit 1")
	if err := EnsureAll(t.Context(), "1.36", nil); err == nil || !strings.Contains(err.Error(), "make docker") || !strings.Contains(err.Error(), "no daemon") {
		t.Errorf("no daemon: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Ensure(t.Context(), "1.36", nil); err == nil || !strings.Contains(err.Error(), "no docker in PATH") {
		t.Errorf("no docker: %v", err)
	}
}

func TestRegistryOf(t *testing.T) {
	for reference, want := range map[string]string{
		Reference("1.36.3"): "https://index.docker.io/v2/", tutorialImage: "https://index.docker.io/v2/", agnhostImage: "https://registry.k8s.io/v2/",
	} {
		if got := registryOf(reference); got != want {
			t.Errorf("%s: %s", reference, got)
		}
	}
}

func TestRegistryAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	if err := registryAnswers(t.Context(), server.URL); err != nil {
		t.Errorf("one that asks for credentials: %v", err)
	}
	server.Close()
	if err := registryAnswers(t.Context(), server.URL); err == nil {
		t.Error("one that is gone answers")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("called off"))
	if err := registryAnswers(ctx, server.URL); err == nil || !strings.Contains(err.Error(), "called off") {
		t.Errorf("called off: %v", err)
	}
}

// The pinned sums are those of the versions, and kind's files those of the library.
func TestPins(t *testing.T) {
	list, err := parts()
	if err != nil {
		t.Fatal(err)
	}
	kind, err := pinned("sigs.k8s.io/kind", kindVersion, "kind")
	if err != nil {
		t.Fatal(err)
	}
	kubernetes, err := kubebin.Module(agnhostRelease, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(list, part{module: kind}, part{module: kubernetes}) {
		if want := p.module.Path + " " + p.module.Version + " h1:"; p.module.Path != "" && !strings.Contains(string(p.module.Sums), want) {
			t.Errorf("no line %q", want)
		}
	}
	raw, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	own, err := modfile.Parse("go.mod", raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range own.Require {
		if r.Mod.Path == kind.Path && r.Mod.Version != kind.Version {
			t.Errorf("the library is %s, the files are of %s", r.Mod.Version, kind.Version)
		}
	}
}

// binaries are files that have their own names for content.
func binaries(t *testing.T) programs {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{kubebin.APIServer, kubebin.Etcd, kubebin.Proxy, "coredns", "pause", proxyRoot} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return programs{version: "1.36.3", control: kubebin.Set{Dir: dir}, node: kubebin.Set{Dir: dir}, base: base{dir: dir}}
}

func TestImages(t *testing.T) {
	p := binaries(t)
	for component, layers := range map[string]int{kubebin.APIServer: 1, kubebin.Etcd: 1, "coredns": 1, "pause": 1, kubebin.Proxy: 2} {
		image, err := p.image(component)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := image.Layers(); err != nil || len(got) != layers {
			t.Errorf("%s: %d layers (%v), want %d", component, len(got), err, layers)
		}
		config, err := image.ConfigFile()
		if err != nil || config.Config.Entrypoint[0] != "/usr/local/bin/"+component || config.OS != "linux" {
			t.Errorf("%s: %+v (%v)", component, config, err)
		}
	}
	if _, err := p.image("kube-dns"); err == nil {
		t.Error("an image of something unknown was made")
	}
	image, err := p.image("pause")
	if err != nil {
		t.Fatal(err)
	}
	if raw := content(t, image); !strings.Contains(raw, "usr/local/bin/pause") {
		t.Errorf("the layer is %q", raw)
	}
}

func content(t *testing.T, image v1.Image) string {
	t.Helper()
	raw, err := io.ReadAll(mutate.Extract(image))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// A file that is missing ends the archive with that error, not with half an archive.
func TestPackFails(t *testing.T) {
	if _, err := io.ReadAll(pack([]file{{name: "a", content: []byte("b")}, {name: "c", source: filepath.Join(t.TempDir(), "none")}})); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestScratch(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "base-x.part-killed", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	err := scratch(root, "base-x", func(work string) error {
		if _, err := os.Stat(work); err != nil {
			t.Error(err)
		}
		return failed
	})
	if left, _ := os.ReadDir(root); !errors.Is(err, failed) || len(left) != 0 {
		t.Errorf("%v, left behind: %v", err, left)
	}
}
