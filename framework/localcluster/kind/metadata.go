package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	// Addresses of a network namespace, without running ip(8) in it.
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// serveMetadata answers pods of the node at the metadata address. It is one of the node's
// own, so that a pod's request arrives with the pod's address, as no proxy would have it.
func (m *member) serveMetadata(ctx context.Context, handler http.Handler) error {
	if handler == nil {
		return nil
	}
	out, err := docker(ctx, nil, "inspect", "--format", "{{.State.Pid}}", m.name)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || pid == 0 {
		return fmt.Errorf("serving metadata on the node: its container does not run (process %q)", out)
	}
	l, err := listenAsMetadata(pid)
	if err != nil {
		return fmt.Errorf("serving metadata on the node: %w", err)
	}
	m.metadata = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = m.metadata.Serve(l) }() // until it is closed
	return nil
}

func (m *member) leaveMetadata() {
	if m.metadata != nil {
		_ = m.metadata.Close()
		m.metadata = nil
	}
}

// listenAsMetadata makes a listener in the network of a process. A socket stays in the
// network that it was made in.
func listenAsMetadata(pid int) (l net.Listener, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Its thread is of no use to others afterwards: never unlocked, it ends with this.
		runtime.LockOSThread()
		l, err = joinAndListen(pid)
	}()
	<-done
	return l, err
}

func joinAndListen(pid int) (net.Listener, error) {
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, err
	}
	defer func() { _ = namespace.Close() }()
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("joining the node's network: %w", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, err
	}
	address, err := netlink.ParseAddr(localcluster.MetadataAddress + "/32")
	if err != nil {
		return nil, err
	}
	if err := netlink.AddrAdd(lo, address); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("adding %s: %w", localcluster.MetadataAddress, err)
	}
	return net.Listen("tcp4", net.JoinHostPort(localcluster.MetadataAddress, "80")) //nolint:noctx // it does not wait
}
