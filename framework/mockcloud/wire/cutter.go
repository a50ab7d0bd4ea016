package wire

import (
	"net"
	"sync"
)

// Cutter is a listener whose connections can be cut, by the address of the client,
// as a firewall or a dying proxy does it: with a reset, in the middle of whatever is
// under way.
type Cutter struct {
	net.Listener

	mu    sync.Mutex
	conns map[string]*cuttable
}

type cuttable struct {
	*net.TCPConn
	from *Cutter
}

// Accept remembers the connection until it is closed.
func (c *Cutter) Accept() (net.Conn, error) {
	accepted, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := accepted.(*net.TCPConn)
	if !ok {
		return accepted, nil
	}
	conn := &cuttable{TCPConn: tcp, from: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns == nil {
		c.conns = map[string]*cuttable{}
	}
	c.conns[tcp.RemoteAddr().String()] = conn
	return conn, nil
}

// Cut resets the connection of a client; one that has none is left alone.
func (c *Cutter) Cut(client string) {
	c.mu.Lock()
	conn := c.conns[client]
	c.mu.Unlock()
	if conn != nil {
		_ = conn.SetLinger(0) // then closing resets
		_ = conn.Close()
	}
}

// Close forgets the connection.
func (c *cuttable) Close() error {
	c.from.mu.Lock()
	delete(c.from.conns, c.RemoteAddr().String())
	c.from.mu.Unlock()
	return c.TCPConn.Close()
}
