package nodeimage

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
)

// podNetwork is the image that files/cni.yaml runs.
const podNetwork = "localhost/wlif/pod-network:latest"

// programs are those of one version of Kubernetes.
type programs struct {
	version       string
	control, node kubebin.Set
	base          base
}

// images makes what the pods of a cluster itself run, by reference.
func (p programs) images(ctx context.Context) (map[name.Reference]v1.Image, error) {
	// kubeadm knows which references it will ask for.
	listed, err := exec.CommandContext(ctx, p.node.Path(kubebin.Kubeadm), "config", "images", "list", "--kubernetes-version", "v"+p.version).Output()
	if err != nil {
		return nil, fmt.Errorf("kubeadm config images list: %w", err)
	}
	made := map[name.Reference]v1.Image{}
	for _, reference := range append(strings.Fields(string(listed)), sandboxImage, podNetwork) {
		tag, err := name.NewTag(reference)
		if err != nil {
			return nil, err
		}
		image, err := p.image(path.Base(tag.RepositoryStr()))
		if err != nil {
			return nil, fmt.Errorf("making the image %s: %w", reference, err)
		}
		made[tag] = image
	}
	return made, nil
}

// image makes the image of a component: its program, on the network tools if it
// calls them. Whatever version a tag of etcd or CoreDNS promises, the program is
// the one that was built here.
func (p programs) image(component string) (v1.Image, error) {
	const bin = "usr/local/bin/"
	var files []file
	config := v1.Config{Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, Entrypoint: []string{"/" + bin + component}}
	var below []v1.Layer
	switch component {
	case kubebin.APIServer, kubebin.ControllerManager, kubebin.Scheduler, kubebin.Etcd:
		files = []file{{name: bin + component, mode: 0o755, source: p.control.Path(component)}}
	case "coredns", "pause":
		files = []file{{name: bin + component, mode: 0o755, source: p.base.path(component)}}
	case kubebin.Proxy:
		files = []file{{name: bin + component, mode: 0o755, source: p.node.Path(component)}}
	case "pod-network":
		script, err := sources.ReadFile("files/pod-network.sh")
		if err != nil {
			return nil, err
		}
		files = []file{{name: bin + component, mode: 0o755, content: script}, {name: bin + kubebin.Kubectl, mode: 0o755, source: p.node.Path(kubebin.Kubectl)}}
	default:
		return nil, fmt.Errorf("nothing is known about the component %q", component)
	}
	if component == kubebin.Proxy || component == "pod-network" {
		root, err := tarball.LayerFromFile(p.base.path(netRoot))
		if err != nil {
			return nil, err
		}
		below = append(below, root)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return pack(files), nil }, tarball.WithCompressionLevel(1), tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, append(below, layer)...)
	if err != nil {
		return nil, err
	}
	platform, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	platform = platform.DeepCopy()
	platform.OS, platform.Architecture, platform.Config = "linux", runtime.GOARCH, config
	return mutate.ConfigFile(image, platform)
}

// file is a file of an archive: from the disk, or with this content.
type file struct {
	name    string
	mode    int64
	source  string
	content []byte
}

// pack streams an archive of files, which belong to root and are as old as the epoch.
func pack(files []file) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() {
		archive := tar.NewWriter(writer)
		for _, f := range files {
			if err := f.write(archive); err != nil {
				writer.CloseWithError(err)
				return
			}
		}
		writer.CloseWithError(archive.Close())
	}()
	return reader
}

func (f file) write(archive *tar.Writer) error {
	header := tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), Typeflag: tar.TypeReg}
	if f.source == "" {
		if err := archive.WriteHeader(&header); err != nil {
			return err
		}
		_, err := archive.Write(f.content)
		return err
	}
	from, err := os.Open(f.source)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err = io.Copy(archive, from)
	return err
}
