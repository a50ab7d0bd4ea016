package nodeagent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	// The server side of kubectl exec, SPDY and WebSocket, as kubelets have it.
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/sandbox"
)

// server is the kubelet API as far as the API server calls it for logs and exec. It
// authorises nobody: only the API server, which does, is let in.
type server struct {
	agent *Agent
	http  *http.Server
	port  int32
	ended chan struct{}
}

const (
	headerTimeout = 10 * time.Second
	// The kubelet's own values (streaming connections).
	streamIdleTimeout     = 4 * time.Hour
	streamCreationTimeout = 30 * time.Second
)

func startServer(a *Agent) (*server, error) {
	certificate, err := tls.X509KeyPair(a.cfg.Serving.Cert, a.cfg.Serving.Key)
	if err != nil {
		return nil, fmt.Errorf("the node's serving certificate: %w", err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(a.cfg.ClientCA) {
		return nil, errors.New("the authority for the node's clients has no certificate")
	}
	// Everybody else is refused, but need not even be heard.
	if ip, err := netip.ParseAddr(a.cfg.Address); err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("the node's API is not opened on %q: that is no loopback address", a.cfg.Address)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(a.cfg.Address, "0"))
	if err != nil {
		return nil, err
	}
	s := &server{agent: a, port: int32(listener.Addr().(*net.TCPAddr).Port), ended: make(chan struct{})} //nolint:gosec // G115: a port is less than 65536
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	mux.HandleFunc("GET /exec/{namespace}/{pod}/{container}", s.exec)
	mux.HandleFunc("POST /exec/{namespace}/{pod}/{container}", s.exec)
	s.http = &http.Server{
		Handler:           s.onlyAPIServer(mux),
		ReadHeaderTimeout: headerTimeout,
		ErrorLog:          log.New(io.Discard, "", 0), // refused handshakes
		TLSConfig: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{certificate},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    clients,
		},
		// SPDY upgrades a connection of HTTP/1.1.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	go func() {
		defer close(s.ended)
		_ = s.http.ServeTLS(listener, "", "")
	}()
	return s, nil
}

func (s *server) close() error {
	err := s.http.Close()
	<-s.ended
	return err
}

// onlyAPIServer refuses other certificates of the cluster: users and nodes have such.
func (s *server) onlyAPIServer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := r.TLS.PeerCertificates[0].Subject.CommonName; name != s.agent.cfg.ClientName {
			http.Error(w, "only the API server may call a node", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// container finds what the path names, or answers 404.
func (s *server) container(w http.ResponseWriter, r *http.Request) *container {
	namespace, pod, name := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
	if worker := s.agent.find(namespace, pod); worker != nil {
		for _, c := range worker.containers {
			if c.spec.Name == name {
				return c
			}
		}
	}
	http.Error(w, fmt.Sprintf("the node has no container %s of the pod %s/%s", name, namespace, pod), http.StatusNotFound)
	return nil
}

func (s *server) logs(w http.ResponseWriter, r *http.Request) {
	c := s.container(w, r)
	if c == nil {
		return
	}
	options, err := parseLogOptions(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	flush := http.NewResponseController(w)
	if options.follow {
		_ = flush.Flush()
	}
	if err := c.log.copyTo(r.Context(), &flushed{w, flush}, options); err != nil {
		s.agent.log.Printf("log of %s: %v", c.worker.name(), err)
	}
}

// flushed sends every line at once: the reader follows.
type flushed struct {
	io.Writer
	*http.ResponseController
}

func (f *flushed) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.Flush()
}

func (s *server) exec(w http.ResponseWriter, r *http.Request) {
	c := s.container(w, r)
	if c == nil {
		return
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	command := r.URL.Query()["command"]
	if len(command) == 0 {
		http.Error(w, "exec needs a command", http.StatusBadRequest)
		return
	}
	pod := c.worker.current()
	remotecommand.ServeExec(w, r, executor{c}, pod.Name, string(pod.UID), c.spec.Name, command, options,
		streamIdleTimeout, streamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

// executor is remotecommand's view of a container.
type executor struct{ *container }

// ExecInContainer runs a command. The context ends when the pod's node does.
func (e executor) ExecInContainer(_ context.Context, _, _, _ string, command []string,
	in io.Reader, out, errs io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	sizes := make(chan sandbox.WindowSize)
	ctx, cancel := context.WithCancel(e.worker.agent.ctx)
	defer cancel()
	go func() {
		defer close(sizes)
		for {
			select {
			case size, ok := <-resize:
				if !ok {
					return
				}
				select {
				case sizes <- sandbox.WindowSize{Width: size.Width, Height: size.Height}:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	streams := sandbox.Streams{TTY: tty, Resize: sizes, Stdin: in}
	// A nil stream must stay a nil interface.
	if out != nil {
		streams.Stdout = out
	}
	if errs != nil {
		streams.Stderr = errs
	}
	code, err := e.exec(ctx, command, streams)
	if err != nil {
		return execError(err)
	}
	if code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
	}
	return nil
}

// execError gives a command that does not exist the code that a shell gives it.
func execError(err error) error {
	if strings.Contains(err.Error(), "executable file not found") {
		return utilexec.CodeExitError{Err: err, Code: 127}
	}
	return err
}
