package wire_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/wire"
)

func TestCutResetsOneConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &wire.Cutter{Listener: listener}
	t.Cleanup(func() { _ = c.Close() })
	var clients, servers []net.Conn
	for range 2 {
		client, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := c.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
		clients, servers = append(clients, client), append(servers, server)
	}
	c.Cut(clients[0].LocalAddr().String())
	c.Cut("192.0.2.1:1") // nobody
	if _, err := clients[0].Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %v", err)
	}
	if _, err := io.WriteString(servers[1], "x"); err != nil {
		t.Error(err)
	}
	if n, err := clients[1].Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("another client read %d, %v", n, err)
	}
}
