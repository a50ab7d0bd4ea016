package egress

import (
	"context"
	"io"
	"net"
)

// Forward carries every connection of l to the TCP address target, until l is closed.
func Forward(ctx context.Context, l net.Listener, target string) {
	var dialer net.Dialer
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			out, err := dialer.DialContext(ctx, "tcp", target)
			if err != nil {
				return // the pod's program sees a closed connection
			}
			defer func() { _ = out.Close() }()
			splice(ctx, conn, out)
		}()
	}
}

// splice copies both ways until both ends are done, or ctx is.
func splice(ctx context.Context, a, b net.Conn) {
	stop := context.AfterFunc(ctx, func() { _, _ = a.Close(), b.Close() })
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pour(a, b)
	}()
	pour(b, a)
	<-done
}

// pour copies and hands on the end of the stream.
func pour(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
}
