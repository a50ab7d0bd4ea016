package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/childproc"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
)

const (
	// bindAttempts is how often a start is tried when another program took a port
	// between its probing and its use.
	bindAttempts = 3
	pollInterval = 50 * time.Millisecond
)

// start runs the control plane in spec.Dir.
func start(ctx context.Context, binaries kubebin.Set, spec localcluster.Spec) (*Cluster, error) {
	if spec.Name == "" || !filepath.IsAbs(spec.Dir) {
		return nil, fmt.Errorf("a cluster needs a name and an absolute folder, not %q and %q", spec.Name, spec.Dir)
	}
	log := spec.Log
	if log == nil {
		log = io.Discard
	}
	for attempt := 1; ; attempt++ {
		c := &Cluster{spec: spec, binaries: binaries, log: log, issuerSet: spec.Issuers}
		c.alive, c.failed = context.WithCancelCause(context.WithoutCancel(ctx))
		err := c.bringUp(ctx, attempt == 1)
		if err == nil {
			return c, nil
		}
		inUse := strings.Contains(err.Error(), "address already in use")
		// The caller's context may be what ended the start.
		err = errors.Join(err, c.Delete(context.WithoutCancel(ctx)))
		if !inUse || attempt == bindAttempts {
			return nil, err
		}
		_, _ = fmt.Fprintf(log, "%s: a port was taken meanwhile, trying another address\n", spec.Name)
	}
}

// bringUp starts the components in the order in which they need each other.
func (c *Cluster) bringUp(ctx context.Context, preferFormer bool) (err error) {
	if err := os.MkdirAll(c.logDir(), 0o700); err != nil {
		return err
	}
	if c.at, err = chooseEndpoints(c.spec.Dir, preferFormer); err != nil {
		return err
	}
	if c.keys, err = loadKeys(filepath.Join(c.spec.Dir, "pki")); err != nil {
		return err
	}
	if err := c.keys.issueServing(c.at); err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	if err := c.writeConfig(); err != nil {
		return err
	}
	ctx, cancel := c.until(ctx)
	defer cancel()
	if c.etcd, err = c.startEtcd(); err != nil {
		return err
	}
	// The API server waits for etcd by itself, but a whole second at a time.
	if err := c.waitEtcd(ctx); err != nil {
		return err
	}
	if c.apiserver, err = c.startAPIServer(); err != nil {
		return err
	}
	if err := c.waitReady(ctx); err != nil {
		return err
	}
	if err := c.removeSign(ctx); err != nil {
		return err
	}
	for _, begin := range []func() (*childproc.Process, error){c.startControllerManager, c.startScheduler} {
		p, err := begin()
		if err != nil {
			return err
		}
		c.workers = append(c.workers, p)
	}
	return c.waitControllers(ctx)
}

// connect makes the administrator's client.
func (c *Cluster) connect() error {
	admin, err := c.client("cluster-admin", "system:masters")
	if err != nil {
		return err
	}
	// The engine's own calls are few; throttling them would only slow a start.
	admin.QPS = -1
	if c.api, err = kubernetes.NewForConfig(admin); err != nil {
		return err
	}
	c.admin = rest.CopyConfig(admin)
	return nil
}

// waitEtcd returns when etcd listens.
func (c *Cluster) waitEtcd(ctx context.Context) error {
	var dialer net.Dialer
	return c.poll(ctx, "etcd", func(ctx context.Context) error {
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(c.at.ip, strconv.Itoa(c.at.etcd)))
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// waitReady returns when the API server says that it is ready.
func (c *Cluster) waitReady(ctx context.Context) error {
	return c.poll(ctx, "the API server", func(ctx context.Context) error {
		var status int
		err := c.api.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status).Error()
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("/readyz answered %d", status)
		}
		return err
	})
}

// signNamespace is one whose default service account nobody uses. That it is there
// shows that the controller manager works: one that has only started ends when the
// API server is restarted under it.
const signNamespace = metav1.NamespacePublic

// removeSign removes what a former run of the cluster left of the sign.
func (c *Cluster) removeSign(ctx context.Context) error {
	err := c.api.CoreV1().ServiceAccounts(signNamespace).Delete(ctx, "default", metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing the sign of the controllers: %w", err)
	}
	return nil
}

// waitControllers returns when the controller manager works and has made what every
// pod needs: the default service account and the root CA's config map.
func (c *Cluster) waitControllers(ctx context.Context) error {
	return c.poll(ctx, "the controllers", func(ctx context.Context) error {
		if _, err := c.api.CoreV1().ServiceAccounts(signNamespace).Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err
		}
		if _, err := c.api.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err
		}
		_, err := c.api.CoreV1().ConfigMaps("default").Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		return err
	})
}

// poll asks until there is no error. When ctx ends, that reason comes first: it may
// be a component's death.
func (c *Cluster) poll(ctx context.Context, what string, ask func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		if err := ask(ctx); err != nil {
			if ctx.Err() == nil {
				last = err
			}
			return false, nil
		}
		return true, nil
	})
	if err == nil {
		return nil
	}
	cause := context.Cause(ctx)
	var ended *childproc.EndedError
	if errors.As(cause, &ended) || last == nil {
		return cause
	}
	return fmt.Errorf("waiting for %s: %w; its last answer: %w", what, cause, last)
}

// copyTree copies regular files; a file that grows meanwhile is cut.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		raw, err := os.ReadFile(path) //nolint:gosec // G304, G122: the cluster's own logs, of which regular files are read
		if err != nil {
			return err
		}
		return os.WriteFile(target, raw, 0o600) //nolint:gosec // G703: below the folder that was asked for
	})
}
