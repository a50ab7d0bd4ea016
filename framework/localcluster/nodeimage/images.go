package nodeimage

import (
	"archive/tar"
	"compress/gzip"
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

// programs are those of one version of Kubernetes.
type programs struct {
	version       string
	control, node kubebin.Set
	base          base
}

// images makes what the pods of a cluster itself run, by reference.
func (p programs) images(ctx context.Context) (map[name.Reference]v1.Image, error) {
	// kubeadm knows which references it will ask for.
	listed, err := exec.CommandContext(ctx, p.node.Path(kubebin.Kubeadm), "config", "images", "list", "--kubernetes-version", "v"+p.version).Output() //nolint:gosec // G204: a program that was just built
	if err != nil {
		return nil, fmt.Errorf("asking kubeadm for its images: %w", err)
	}
	made := map[name.Reference]v1.Image{}
	for _, reference := range append(strings.Fields(string(listed)), sandboxImage) {
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

// image makes the image of a component: its program, for kube-proxy above the tools
// that it calls. Whatever version a tag of etcd or CoreDNS promises, the program is
// the one that was built here.
func (p programs) image(component string) (v1.Image, error) {
	var layers []mutate.Addendum
	var program string
	switch component {
	case kubebin.APIServer, kubebin.ControllerManager, kubebin.Scheduler, kubebin.Etcd:
		program = p.control.Path(component)
	case "coredns", "pause":
		program = p.base.path(component)
	case kubebin.Proxy:
		program = p.node.Path(component)
		root, err := layer(func() (io.ReadCloser, error) { return os.Open(p.base.path(proxyRoot)) })
		if err != nil {
			return nil, err
		}
		layers = append(layers, root)
	default:
		return nil, fmt.Errorf("nothing is known about the component %q", component)
	}
	name := "usr/local/bin/" + component
	top, err := layer(func() (io.ReadCloser, error) {
		return pack([]file{{name: name, mode: 0o755, source: program}}), nil
	})
	if err != nil {
		return nil, err
	}
	image, err := mutate.Append(empty.Image, append(layers, top)...)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{Entrypoint: []string{"/" + name}, Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}}
	return mutate.ConfigFile(image, config)
}

// layer compresses an archive, fast: a node unpacks it when it starts.
func layer(archive tarball.Opener) (mutate.Addendum, error) {
	made, err := tarball.LayerFromOpener(archive, tarball.WithCompressionLevel(gzip.BestSpeed), tarball.WithCompressedCaching)
	return mutate.Addendum{Layer: made}, err
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
