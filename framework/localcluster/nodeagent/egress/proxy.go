package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ServeProxy is an HTTP forward proxy (plain requests and CONNECT) on l, until ctx
// ends. It resolves and dials as the host does, through the host's own proxy where
// HTTP_PROXY and the like name one.
func ServeProxy(ctx context.Context, l net.Listener) {
	p := &proxy{ctx: ctx, guarded: &net.Dialer{Timeout: dialTimeout, Control: refuseThisMachine}}
	transport := &http.Transport{Proxy: upstream, DialContext: p.dial, ResponseHeaderTimeout: time.Minute}
	p.plain = &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.Out.URL = r.In.URL },
		Transport:    transport,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { fail(w, err) },
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: dialTimeout, ErrorLog: log.New(io.Discard, "", 0)}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	defer transport.CloseIdleConnections()
	_ = server.Serve(l)
}

const dialTimeout = 20 * time.Second

type proxy struct {
	ctx     context.Context
	plain   *httputil.ReverseProxy
	guarded *net.Dialer
}

// errThisMachine is why a destination is refused.
var errThisMachine = errors.New("pods may not reach the machine that they run on, nor its metadata service")

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := refuseHost(r); err != nil {
		fail(w, err)
		return
	}
	if r.Method == http.MethodConnect {
		p.tunnel(w, r)
		return
	}
	if !r.URL.IsAbs() || r.URL.Scheme != "http" {
		http.Error(w, "this is a proxy: it wants an absolute http URL, or CONNECT", http.StatusBadRequest)
		return
	}
	p.plain.ServeHTTP(w, r)
}

func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	out, err := p.connect(r.Context(), r.Host)
	if err != nil {
		fail(w, err)
		return
	}
	defer func() { _ = out.Close() }()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		fail(w, err)
		return
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		return
	}
	// What the client sent early is in the server's buffer.
	if n := buffered.Reader.Buffered(); n > 0 {
		early, _ := buffered.Reader.Peek(n)
		if _, err := out.Write(early); err != nil {
			return
		}
	}
	splice(p.ctx, conn, out)
}

// connect opens a tunnel, through the host's own proxy if there is one.
func (p *proxy) connect(ctx context.Context, hostport string) (net.Conn, error) {
	via, err := upstream(&http.Request{URL: &url.URL{Scheme: "https", Host: hostport}})
	if err != nil {
		return nil, err
	}
	if via == nil {
		return p.guarded.DialContext(ctx, "tcp", hostport)
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", proxyAddress(via))
	if err != nil {
		return nil, fmt.Errorf("dialing the host's proxy: %w", err)
	}
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: hostport}, Host: hostport, Header: http.Header{}}
	if user := via.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
		request.Header["Proxy-Authorization"] = request.Header["Authorization"]
		request.Header.Del("Authorization")
	}
	if err := request.Write(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 1), request) //nolint:bodyclose // the connection is what matters, and it is closed
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the host's proxy answered %s", response.Status)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// dial is the transport's: the address is the host's proxy or the destination.
func (p *proxy) dial(ctx context.Context, network, address string) (net.Conn, error) {
	for _, scheme := range []string{"http", "https"} {
		// Any destination will do: what is asked is the proxy's own address.
		via, err := upstream(&http.Request{URL: &url.URL{Scheme: scheme, Host: "example.com"}})
		if err == nil && via != nil && proxyAddress(via) == address {
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
		}
	}
	return p.guarded.DialContext(ctx, network, address)
}

var upstream = http.ProxyFromEnvironment

func proxyAddress(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// refuseHost refuses a literal address early: a proxy of the host's might follow it.
func refuseHost(r *http.Request) error {
	host := r.URL.Hostname()
	if r.Method == http.MethodConnect {
		host, _, _ = net.SplitHostPort(r.Host)
	}
	if host == "localhost" {
		return errThisMachine
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return refuseAddress(ip)
	}
	return nil
}

// refuseThisMachine looks at the address that is really dialed, after resolution.
func refuseThisMachine(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return refuseAddress(at.Addr())
}

func refuseAddress(ip netip.Addr) error {
	ip = ip.Unmap()
	if ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() {
		return errThisMachine
	}
	// Asked each time: a laptop changes its addresses.
	own, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("asking for this machine's addresses: %w", err)
	}
	for _, a := range own {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr() == ip {
			return errThisMachine
		}
	}
	return nil
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusBadGateway
	if errors.Is(err, errThisMachine) {
		status = http.StatusForbidden
	}
	http.Error(w, err.Error(), status)
}
