package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

// Diagnose writes what is known of a pod into dir: pod.yaml, events.yaml of its
// namespace, nodes.yaml, and log-CONTAINER.txt, redacted, mode 0600. It returns
// the files that it wrote, even when it could not write all.
func Diagnose(ctx context.Context, c *cluster.Cluster, namespace, pod, dir string, redactor *redact.Redactor) ([]string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keeping diagnostics: %w", err)
	}
	d := &diagnosis{dir: dir, redactor: redactor}
	found, err := c.Client.CoreV1().Pods(namespace).Get(ctx, pod, metav1.GetOptions{})
	d.yaml("pod.yaml", found, err)
	events, err := c.Client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	d.yaml("events.yaml", events, err)
	nodes, err := c.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	d.yaml("nodes.yaml", nodes, err)
	if found != nil {
		for _, container := range found.Spec.Containers {
			log, err := Log(ctx, c, namespace, pod, container.Name)
			d.file("log-"+container.Name+".txt", log, err)
		}
	}
	return d.files, errors.Join(d.errs...)
}

type diagnosis struct {
	dir      string
	redactor *redact.Redactor
	files    []string
	errs     []error
}

func (d *diagnosis) yaml(name string, value any, err error) {
	var text []byte
	if err == nil {
		text, err = yaml.Marshal(value)
	}
	d.file(name, text, err)
}

func (d *diagnosis) file(name string, text []byte, err error) {
	path := filepath.Join(d.dir, name)
	if err == nil {
		err = os.WriteFile(path, []byte(d.redactor.String(string(text))), 0o600)
	}
	if err != nil {
		d.errs = append(d.errs, fmt.Errorf("keeping %s: %w", name, err))
		return
	}
	d.files = append(d.files, path)
}
