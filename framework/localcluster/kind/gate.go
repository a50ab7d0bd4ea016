package kind

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// gate lets the nodes reach chosen addresses of this machine, which they could not
// otherwise: it listens on the gateway of their network, and nowhere else.
type gate struct {
	gateway string

	mu        sync.Mutex
	listeners map[string]net.Listener // by target
	open      map[net.Conn]bool
	closed    bool
}

func newGate(gateway string) *gate {
	return &gate{gateway: gateway, listeners: map[string]net.Listener{}, open: map[net.Conn]bool{}}
}

// listen takes a free port of the gateway.
func (g *gate) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(g.gateway, "0"))
	if err != nil {
		return nil, fmt.Errorf("listening on the gateway of the nodes' network, which must be on this machine: %w", err)
	}
	return l, nil
}

// to returns the address on the gateway at which a target (host:port) is reached.
func (g *gate) to(target string) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l, ok := g.listeners[target]; ok {
		return l.Addr().String(), nil
	}
	l, err := g.listen()
	if err != nil {
		return "", err
	}
	g.listeners[target] = l
	go g.serve(l, target)
	return l.Addr().String(), nil
}

func (g *gate) serve(l net.Listener, target string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		go g.forward(conn, target)
	}
}

func (g *gate) forward(from net.Conn, target string) {
	to, err := net.Dial("tcp", target) //nolint:noctx // an address of this machine answers at once
	if err != nil {
		_ = from.Close() // the node sees that nobody is there
		return
	}
	if !g.track(from, to) {
		return
	}
	var copies sync.WaitGroup
	for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
		copies.Go(func() {
			_, _ = io.Copy(pair[1], pair[0]) // either end may hang up
			if half, ok := pair[1].(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
		})
	}
	copies.Wait()
	g.drop(from, to)
}

// track notes connections for close; it refuses, and ends, those of a closed gate.
func (g *gate) track(conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		if g.closed {
			_ = c.Close()
			continue
		}
		g.open[c] = true
	}
	return !g.closed
}

func (g *gate) drop(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(g.open, c)
	}
}

// close ends everything. A node that is gone hangs up nothing by itself.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for target, l := range g.listeners {
		_ = l.Close()
		delete(g.listeners, target)
	}
	for c := range g.open {
		_ = c.Close()
		delete(g.open, c)
	}
}
