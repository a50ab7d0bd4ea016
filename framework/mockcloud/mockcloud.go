package mockcloud

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	operationpb "github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"k8s.io/utils/clock"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/admin"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/billing"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/endpoint"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gate"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/hold"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kms"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/lockbox"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/mk8s"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/oauth"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/operation"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/quota"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/resourcemanager"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/rest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/storage"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/vpc"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/wire"
)

// Options of a mock cloud.
type Options struct {
	// Listen is the address of the API ("127.0.0.1:8443"); empty takes a free port
	// of 127.0.0.1. Object storage takes a free port beside it, the admin port one of
	// 127.0.0.1. Anything but a loopback address or one of Bridge is a *PlaceError.
	Listen string
	// Bridge is the network interface on which the mock may listen, too ("docker0").
	Bridge string
	// Dir holds certificates, the user's token and the clusters; it must exist.
	Dir string
	// StateFile keeps the state across a restart; empty keeps it in memory.
	StateFile string
	// Settings; the zero value is settings.Default().
	Settings *settings.Settings
	// Engine runs the clusters of Managed Kubernetes; nil makes them exist on
	// paper only.
	Engine localcluster.Engine
	// Clock; nil is the real one.
	Clock clock.Clock
	// AuditLog gets a JSON line for each call.
	AuditLog io.Writer
	Log      *slog.Logger
}

// Cloud is a running mock cloud.
type Cloud struct {
	kernel   *kernel.Kernel
	dir      string
	world    World
	engine   localcluster.Engine
	clock    clock.Clock
	services []kernel.Service

	iam      *iam.IAM
	folders  *resourcemanager.Manager
	accounts *billing.Billing
	k8s      *mk8s.Service
	tokens   *oauth.Endpoint
	gate     *gate.Gate
	// publisher makes the files of issuers public.
	publisher kernel.Publisher

	authority  *wire.Authority
	api        net.Listener
	cut        func(client string)
	storage    net.Listener
	objects    *storage.Storage
	admin      net.Listener
	inProcess  *bufconn.Listener
	grpc       *grpc.Server
	conn       *grpc.ClientConn
	servers    []*http.Server
	userToken  string
	adminToken string
	keepState  bool
	shutdown   chan struct{}
}

// Start makes a mock cloud and returns when it answers.
func Start(ctx context.Context, o Options) (_ *Cloud, err error) {
	c := &Cloud{dir: o.Dir, engine: o.Engine, clock: o.Clock, keepState: o.StateFile != "", adminToken: rand.Text(), shutdown: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close(context.WithoutCancel(ctx)))
		}
	}()
	if c.clock == nil {
		c.clock = &shifted{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Settings == nil {
		o.Settings = new(settings.Default())
	}
	store, err := state.Open(o.StateFile)
	if err != nil {
		return nil, err
	}
	c.kernel = kernel.New(store, settings.NewLive(*o.Settings), c.clock, o.Log, audit.New(o.AuditLog))
	if err := c.listen(o.Listen, o.Bridge); err != nil {
		return nil, err
	}
	if c.authority, err = wire.NewAuthority(o.Dir, serves); err != nil {
		return nil, err
	}
	if err := c.authority.WriteLeaf(webAddress, filepath.Join(o.Dir, webCertificate), filepath.Join(o.Dir, webKey)); err != nil {
		return nil, fmt.Errorf("write the certificate for a client's web server: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(o.Dir, adminFile), []byte(c.adminToken), 0o600); err != nil {
		return nil, fmt.Errorf("write the admin port's token: %w", err)
	}
	if err := c.assemble(); err != nil {
		return nil, err
	}
	if err := c.found(); err != nil {
		return nil, err
	}
	c.serve()
	// A cluster that does not start again is UNHEALTHY; the rest of the cloud works.
	if err := c.k8s.Resume(ctx); err != nil {
		o.Log.Error("not every cluster of the former run could be resumed", "error", err)
	}
	return c, ctx.Err()
}

// serves says whether a host name is one of the mock's.
func serves(name string) bool {
	return name == "localhost" || slices.Contains(endpoint.Hosts(), name) || strings.HasSuffix(name, "."+endpoint.StorageHost)
}

// assemble makes the services, the gate before them and the ways in.
func (c *Cloud) assemble() error {
	k := c.kernel
	c.iam = iam.New(k)
	c.folders = resourcemanager.New(k)
	guard := gate.New(k)
	guard.OnReset(c.cut)
	c.gate = guard
	keys := kms.New(k)
	network := vpc.New(k)
	for _, dir := range []string{clustersDir, objectsDir} {
		if err := os.MkdirAll(filepath.Join(c.dir, dir), 0o700); err != nil {
			return err
		}
	}
	objects, err := storage.New(k, c.iam, guard, c.keptObjects())
	if err != nil {
		return err
	}
	c.objects, c.publisher = objects, objects
	c.k8s = mk8s.New(mk8s.Options{
		Kernel: k, VPC: network, Publisher: objects, Authenticator: guard, Engine: c.engine, Dir: filepath.Join(c.dir, clustersDir),
		WebhookURL: func(id string) string { return "https://" + c.api.Addr().String() + webhookPath + id },
		WebhookCA:  c.authority.PEM(), Egress: c.egress, StorageBase: "https://" + endpoint.StorageHost, KeepState: c.keepState,
		// The endpoint is made below, before anything runs.
		Exchange: func(ctx context.Context, account, token string) (string, time.Time, string, error) {
			return c.tokens.Exchange(ctx, account, token)
		},
		Mint: func(account string) (string, time.Time) {
			return c.iam.MintFor(access.Subject{Type: access.ServiceAccount, ID: account})
		},
	})
	if c.accounts, err = billing.New(k); err != nil {
		return err
	}
	ops := &operation.Server{Manager: k.Operations, PollInterval: func() time.Duration { return time.Duration(k.Settings.Get().PollInterval) }, MaySee: c.maySee}
	c.services = slices.Concat(
		endpoint.Services(k, endpoint.Addresses{API: c.api.Addr().String(), Storage: c.storage.Addr().String()}),
		[]kernel.Service{{Desc: &operationpb.OperationService_ServiceDesc, Impl: ops,
			Rules: map[string]kernel.Rule{"Get": kernel.AnyCaller(), "Cancel": kernel.AnyCaller()}}},
		c.folders.Services(), c.iam.Services(), network.Services(), c.k8s.Services(), keys.Services(),
		lockbox.New(k, keys).Services(), objects.Services(), quota.Services(k), c.accounts.Services(),
	)
	guard.Guard(c.services)
	c.grpc = grpc.NewServer(grpc.UnaryInterceptor(guard.Unary))
	for _, s := range c.services {
		c.grpc.RegisterService(s.Desc, s.Impl)
	}
	return c.ways(objects)
}

const webhookPath = "/kubernetes/tokenreview/"

// ways are the HTTP servers: REST goes over an in-memory connection to the same
// gRPC server, so that the gate sees it.
func (c *Cloud) ways(objects *storage.Storage) error {
	c.inProcess = bufconn.Listen(1 << 20)
	conn, err := grpc.NewClient("passthrough:///in-process", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return c.inProcess.DialContext(ctx) }))
	if err != nil {
		return err
	}
	c.conn = conn
	api, err := rest.New(c.kernel, conn, c.services)
	if err != nil {
		return err
	}
	c.tokens = oauth.New(c.kernel, c.iam, oauth.Way{Direct: c.httpClient(&net.Dialer{}), Redirected: c.httpClient(&net.Dialer{Control: wire.RefusePrivate})})
	mux := &wire.Mux{
		GRPC: c.grpc, REST: api,
		ByHost: map[string]http.Handler{endpoint.StorageHost: objects.Handler()},
		ByPath: map[string]http.Handler{"/oauth/token": c.dated(c.tokens), webhookPath: c.k8s.Webhook(webhookPath)},
	}
	quiet := slog.NewLogLogger(c.kernel.Log.Handler(), slog.LevelDebug)
	c.servers = []*http.Server{
		{Handler: c.limited(mux), TLSConfig: c.authority.TLS(), ReadHeaderTimeout: readHeader, ErrorLog: quiet},
		{Handler: c.limited(objects.Handler()), TLSConfig: c.authority.TLS(), ReadHeaderTimeout: readHeader, ErrorLog: quiet},
		{Handler: &wire.Tunnel{Serves: serves, To: c.api.Addr().String(), Else: admin.Handler(c, c.adminToken)}, ReadHeaderTimeout: readHeader, ErrorLog: quiet},
	}
	return nil
}

// dated tells the time by the cloud's own clock, which may have been moved.
func (c *Cloud) dated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", c.clock.Now().UTC().Format(http.TimeFormat))
		next.ServeHTTP(w, r)
	})
}

// limited bounds a port by the settings.
func (c *Cloud) limited(next http.Handler) http.Handler {
	return wire.NewLimiter(next, func() (int, int64) {
		limits := c.kernel.Settings.Get().Limits
		return limits.RequestsPerSecond, limits.MaxBody
	}, func(r *http.Request) {
		c.kernel.Audit.Add(audit.Entry{Time: c.kernel.Clock.Now(), Method: "request", Verdict: audit.Refused, Reason: "rate",
			Code: "RESOURCE_EXHAUSTED", Run: audit.RunOf(r.UserAgent())})
	})
}

// readHeader bounds how long a client may take to say what it wants.
const readHeader = 10 * time.Second

func (c *Cloud) serve() {
	go func() { _ = c.grpc.Serve(c.inProcess) }()
	go func() { _ = c.servers[0].ServeTLS(c.api, "", "") }()
	go func() { _ = c.servers[1].ServeTLS(c.storage, "", "") }()
	go func() { _ = c.servers[2].Serve(c.admin) }()
}

// httpClient is the mock's own way out, for key sets: its own names lead to
// itself, whatever DNS says of them; everything else is dialled as the dialer lets it.
func (c *Cloud) httpClient(dialer *net.Dialer) *http.Client {
	itself := &net.Dialer{}
	transport := &http.Transport{
		TLSClientConfig: wire.ClientTLS(c.authority),
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, _, err := net.SplitHostPort(address); err == nil && host != "localhost" && serves(host) {
				return itself.DialContext(ctx, network, c.api.Addr().String())
			}
			return dialer.DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2: true,
	}
	return &http.Client{Transport: transport}
}

// egress is what nodes with a way out reach.
func (c *Cloud) egress() *localcluster.Egress {
	e := &localcluster.Egress{Hosts: map[string]string{}, CABundle: c.authority.Bundle()}
	for _, host := range endpoint.Hosts() {
		e.Hosts[host] = c.api.Addr().String()
	}
	return e
}

// The folders below Options.Dir.
const (
	clustersDir = "clusters"
	objectsDir  = "objects"
)

// keptObjects is where objects survive a restart; "" keeps them in memory.
func (c *Cloud) keptObjects() string {
	if !c.keepState {
		return ""
	}
	return filepath.Join(c.dir, objectsDir)
}

func (c *Cloud) maySee(ctx context.Context, info operation.Info) bool {
	caller := kernel.CallOf(ctx).Caller
	if caller == info.By {
		return true
	}
	for _, ref := range c.kernel.Decider.Chain(info.On) {
		if ref.Type == resourcemanager.KindFolder && c.kernel.Allowed(ctx, "resource-manager.folders.get", ref) {
			return true
		}
	}
	return false
}

// Close ends everything that Start began; clusters are deleted unless the state
// is kept.
func (c *Cloud) Close(ctx context.Context) error {
	var errs []error
	if c.k8s != nil {
		errs = append(errs, c.k8s.Close(ctx))
	}
	if c.kernel != nil {
		c.kernel.Operations.Close()
	}
	for _, s := range c.servers {
		_ = s.Close() // listeners and connections; their errors say nothing new
	}
	if c.conn != nil {
		errs = append(errs, c.conn.Close())
	}
	if c.grpc != nil {
		c.grpc.Stop()
	}
	for _, l := range []net.Listener{c.api, c.storage, c.admin} {
		if l != nil {
			_ = l.Close() // most often closed by its server already
		}
	}
	if c.objects != nil {
		errs = append(errs, c.objects.Close())
	}
	if c.kernel != nil {
		errs = append(errs, c.kernel.Store.Close())
	}
	return errors.Join(errs...)
}

// Audit is the log of every call.
func (c *Cloud) Audit() *audit.Log { return c.kernel.Audit }

// Settings may be changed at any time.
func (c *Cloud) Settings() *settings.Live { return c.kernel.Settings }

// World is what the cloud was born with.
func (c *Cloud) World() World { return c.world }

// Services are the gRPC services, for the table of what is implemented.
func (c *Cloud) Services() []kernel.Service { return c.services }

// Holds are the calls that are to wait.
func (c *Cloud) Holds() *hold.Desk { return c.gate.Holds() }

// Work tells what the clusters' engine has done.
func (c *Cloud) Work(ctx context.Context) mk8s.Work { return c.k8s.Work(ctx) }

// CollectLogs writes the logs of the clusters that run into a folder.
func (c *Cloud) CollectLogs(ctx context.Context, dir string) error {
	return c.k8s.CollectLogs(ctx, dir)
}

// Bindings are the access bindings, for tests that take a role away.
func (c *Cloud) Bindings() *access.Bindings { return c.kernel.Bindings }

// Advance moves the clock forward, if it is the cloud's own.
func (c *Cloud) Advance(d time.Duration) error {
	s, ok := c.clock.(*shifted)
	if !ok {
		return errors.New("the clock is the one that the cloud was given")
	}
	s.by.Add(int64(d))
	return nil
}

// Shutdown asks whoever waits on Done to end the process.
func (c *Cloud) Shutdown() {
	select {
	case c.shutdown <- struct{}{}:
	default:
	}
}

// Done tells that a shutdown was asked for.
func (c *Cloud) Done() <-chan struct{} { return c.shutdown }
