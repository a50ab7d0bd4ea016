package workload

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
)

// Shell is one bash in a container, the `kubectl exec POD -it -- bash` of a
// reader who types one command after the other: what a command sets, the next
// one has. It is not safe for concurrent use.
type Shell struct {
	stdin  *io.PipeWriter
	stdout *output
	stderr *output
	cancel context.CancelFunc
	// ended is closed when the session is over; err says how.
	ended chan struct{}
	err   error
}

// Result is what a command wrote, and its exit status.
type Result struct {
	Stdout, Stderr string
	Status         int
}

// SessionError means that the shell ended, or never began: nothing is known of
// the command.
type SessionError struct {
	Doing string
	Err   error
}

// Error says what was being done and why the session ended.
func (e *SessionError) Error() string { return fmt.Sprintf("%s: %v", e.Doing, e.Err) }

// Unwrap gives the cause.
func (e *SessionError) Unwrap() error { return e.Err }

var errEnded = errors.New("the shell ended")

// OpenShell starts bash in a container of a pod. The session lives until Close,
// whatever ctx does; ctx bounds the start.
func OpenShell(ctx context.Context, c *cluster.Cluster, namespace, pod, container string) (*Shell, error) {
	executor, err := newExecutor(c, namespace, pod, &corev1.PodExecOptions{
		Container: container, Command: []string{"bash"}, Stdin: true, Stdout: true, Stderr: true,
	})
	if err != nil {
		return nil, &SessionError{fmt.Sprintf("opening a shell in the pod %s", pod), err}
	}
	session, cancel := context.WithCancel(context.WithoutCancel(ctx))
	reader, writer := io.Pipe()
	s := &Shell{stdin: writer, stdout: newOutput(), stderr: newOutput(), cancel: cancel, ended: make(chan struct{})}
	go func() {
		err := executor.StreamWithContext(session, remotecommand.StreamOptions{Stdin: reader, Stdout: s.stdout, Stderr: s.stderr})
		s.err = errEnded
		if err != nil {
			s.err = fmt.Errorf("%w: %w", errEnded, err)
		}
		// A command that is being typed must not block on nobody reading it.
		_ = reader.CloseWithError(s.err)
		close(s.ended)
	}()
	// The first answer shows that bash is there and reads.
	if _, err := s.Run(ctx, ":"); err != nil {
		_ = s.Close()
		return nil, &SessionError{fmt.Sprintf("opening a shell in the pod %s", pod), err}
	}
	return s, nil
}

// newExecutor speaks WebSocket, and SPDY where the server does not.
func newExecutor(c *cluster.Cluster, namespace, pod string, options *corev1.PodExecOptions) (remotecommand.Executor, error) {
	request := c.Client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("exec").
		VersionedParams(options, scheme.ParameterCodec)
	web, err := remotecommand.NewWebSocketExecutor(c.Config, "GET", request.URL().String())
	if err != nil {
		return nil, err
	}
	spdy, err := remotecommand.NewSPDYExecutor(c.Config, "POST", request.URL())
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(web, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}

// Run types a command and returns what it wrote when it has ended. An exit
// status other than 0 is no error. If ctx ends first, the session is closed: the
// command cannot be called back.
func (s *Shell) Run(ctx context.Context, command string) (Result, error) {
	marker := "end-" + rand.Text()
	// The braces make bash read everything before it runs anything, so that a
	// program of the command which reads its standard input cannot eat the rest.
	typed := fmt.Sprintf("{\n%s\n}; __status=$?; printf '\\n%s %%d\\n' \"$__status\"; printf '\\n%s 0\\n' >&2\n",
		strings.TrimRight(command, "\n"), marker, marker)
	if err := s.write(ctx, typed); err != nil {
		return Result{}, &SessionError{"typing a command", err}
	}
	stdout, status, err := s.until(ctx, s.stdout, marker)
	if err != nil {
		return Result{}, err
	}
	stderr, _, err := s.until(ctx, s.stderr, marker)
	if err != nil {
		return Result{}, err
	}
	return Result{Stdout: stdout, Stderr: stderr, Status: status}, nil
}

func (s *Shell) write(ctx context.Context, text string) error {
	// A shell that reads nothing any more must not hold the caller beyond ctx.
	stop := context.AfterFunc(ctx, func() { _ = s.stdin.CloseWithError(context.Cause(ctx)) })
	defer stop()
	_, err := io.WriteString(s.stdin, text)
	return err
}

// until waits for the marker's line and returns what was written before it.
func (s *Shell) until(ctx context.Context, from *output, marker string) (string, int, error) {
	for {
		text, status, found, err := from.take(marker)
		if found || err != nil {
			return text, status, err
		}
		select {
		case <-from.more:
		case <-ctx.Done():
			s.cancel()
			return "", 0, &SessionError{"waiting for a command in the pod", context.Cause(ctx)}
		case <-s.ended:
			// What arrived last may still have the marker.
			if text, status, found, err := from.take(marker); found || err != nil {
				return text, status, err
			}
			return "", 0, &SessionError{"waiting for a command in the pod", s.err}
		}
	}
}

// goodbye is what bash gets to end by itself once its input has ended.
const goodbye = 2 * time.Second

// Close ends the shell and waits until the session is over.
func (s *Shell) Close() error {
	err := s.stdin.Close()
	hurry := time.AfterFunc(goodbye, s.cancel)
	<-s.ended
	hurry.Stop()
	s.cancel()
	return err
}

// maxOutput bounds, in bytes, what one command may write.
const maxOutput = 4 << 20

// output collects one stream of a session.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	o.text.Write(p)
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

// take removes everything up to the marker's line, if that is there.
func (o *output) take(marker string) (text string, status int, found bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, after, found := bytes.Cut(o.text.Bytes(), []byte("\n"+marker+" "))
	if !found {
		if o.text.Len() > maxOutput {
			return "", 0, false, fmt.Errorf("a command in the pod wrote more than %d bytes", maxOutput)
		}
		return "", 0, false, nil
	}
	number, rest, complete := bytes.Cut(after, []byte("\n"))
	if !complete {
		return "", 0, false, nil
	}
	status, err = strconv.Atoi(string(number))
	if err != nil {
		return "", 0, false, fmt.Errorf("reading the exit status of a command: %w", err)
	}
	text = string(before)
	rest = bytes.Clone(rest)
	o.text.Reset()
	o.text.Write(rest)
	return text, status, true, nil
}
