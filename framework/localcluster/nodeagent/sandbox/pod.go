package sandbox

import (
	"errors"
	"fmt"
	"math"
	"net"
	"sync"

	// Addresses and links of a network namespace, without running ip(8).
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Pod is a network namespace that has only a loopback device.
type Pod struct {
	work chan func()
	once sync.Once
	quit chan struct{}
	done chan struct{}
}

// ErrClosed is what a closed Pod answers.
var ErrClosed = errors.New("the sandbox is closed")

// A program may have been given open files that its children inherit; a container's
// programs must not have them.
var keepOpenFiles = sync.OnceValue(func() error {
	return unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
})

// NewPod makes a network namespace whose loopback device also has the addresses.
func NewPod(addresses ...string) (*Pod, error) {
	if err := keepOpenFiles(); err != nil {
		return nil, fmt.Errorf("keeping open files from containers: %w", err)
	}
	p := &Pod{work: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan error, 1)
	// The containers are forked by this thread: they inherit its namespace, and the
	// kernel kills them when it ends.
	onFreshThread(func() {
		defer close(p.done)
		err := ownNetwork(addresses)
		ready <- err
		if err != nil {
			return
		}
		for {
			select {
			case f := <-p.work:
				f()
			case <-p.quit:
				return
			}
		}
	})
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("making a network namespace: %w", err)
	}
	return p, nil
}

func ownNetwork(addresses []string) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	for _, address := range addresses {
		addr, err := netlink.ParseAddr(address + "/32")
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(lo, addr); err != nil {
			return fmt.Errorf("adding %s: %w", address, err)
		}
	}
	return nil
}

// do runs f on the pod's thread.
func (p *Pod) do(f func() error) error {
	result := make(chan error, 1)
	select {
	case p.work <- func() { result <- f() }:
		return <-result
	case <-p.done:
		return ErrClosed
	}
}

// Listen makes a TCP listener inside the pod. Its connections are accepted by this
// process, outside: that is the way out.
func (p *Pod) Listen(address string) (net.Listener, error) {
	var l net.Listener
	err := p.do(func() (err error) {
		l, err = net.Listen("tcp4", address)
		return err
	})
	return l, err
}

// Close kills what still runs in the pod and returns when its thread has ended. The
// listeners are their users' to close.
func (p *Pod) Close() {
	p.once.Do(func() { close(p.quit) })
	<-p.done
}
