// Package gatetest runs services of the mock cloud for tests: behind the gate, on
// a loopback socket, with a clock of the test's. Every operation that comes back
// is held against the descriptor's yandex.cloud.api.operation option.
package gatetest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/api"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gate"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Cloud is a mock cloud of a few services, with one cloud and two folders.
type Cloud struct {
	K     *kernel.Kernel
	Clock *clocktesting.FakeClock
	Gate  *gate.Gate
	// Server is the gRPC server; Conn is connected to it.
	Server      *grpc.Server
	Conn        *grpc.ClientConn
	CloudID     string
	Folder      string
	OtherFolder string

	t        testing.TB
	mu       sync.Mutex
	seen     map[string]bool // methods whose finished operations were checked
	services []kernel.Service
}

// Start makes the services over an empty store and serves them until the test ends.
func Start(t testing.TB, services func(*kernel.Kernel) []kernel.Service) *Cloud {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cloud{t: t, Clock: clocktesting.NewFakeClock(time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)), seen: map[string]bool{}}
	c.K = kernel.New(store, settings.NewLive(settings.Default()), c.Clock, slog.New(slog.NewTextHandler(io.Discard, nil)), audit.New(nil))
	c.folders(store)
	c.services = services(c.K)
	c.checkRules()
	c.Gate = gate.New(c.K).Guard(c.services)

	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Server = grpc.NewServer(grpc.UnaryInterceptor(c.Gate.Unary))
	for _, s := range c.services {
		c.Server.RegisterService(s.Desc, s.Impl)
	}
	served := sync.WaitGroup{}
	served.Go(func() { _ = c.Server.Serve(listener) }) // ends with Stop
	c.Conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUnaryInterceptor(c.checkOperation))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Conn.Close()
		c.Server.Stop()
		served.Wait()
		c.K.Operations.Close()
	})
	return c
}

// Services are the ones that are served.
func (c *Cloud) Services() []kernel.Service { return c.services }

// checkRules: rules are data, and a misspelt one would refuse everybody.
func (c *Cloud) checkRules() {
	c.t.Helper()
	for _, s := range c.services {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(s.Desc.ServiceName))
		if err != nil {
			c.t.Fatal(err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for name, rule := range s.Rules {
			m := methods.ByName(protoreflect.Name(name))
			if m == nil {
				c.t.Errorf("rule for %s/%s, which is no method", s.Desc.ServiceName, name)
				continue
			}
			for _, need := range rule.Needs {
				if !kernel.HasField(m.Input(), need.Field) {
					c.t.Errorf("rule for %s/%s names the field %s, which the request has not", s.Desc.ServiceName, name, need.Field)
				}
			}
		}
	}
}

func (c *Cloud) folders(store *state.Store) {
	c.CloudID, c.Folder, c.OtherFolder = kernel.NewID(kernel.PrefixFolder), kernel.NewID(kernel.PrefixFolder), kernel.NewID(kernel.PrefixFolder)
	clouds := state.NewTable[*resourcemanager.Cloud](store, "resource-manager.cloud")
	folders := state.NewTable[*resourcemanager.Folder](store, "resource-manager.folder")
	for _, err := range []error{
		clouds.Insert(&resourcemanager.Cloud{Id: c.CloudID, Name: "cloud"}, nil),
		folders.Insert(&resourcemanager.Folder{Id: c.Folder, CloudId: c.CloudID, Name: "folder"}, nil),
		folders.Insert(&resourcemanager.Folder{Id: c.OtherFolder, CloudId: c.CloudID, Name: "other"}, nil),
	} {
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

// Subject makes a subject with roles on Folder.
func (c *Cloud) Subject(roles ...string) access.Subject {
	c.t.Helper()
	s := access.Subject{Type: access.ServiceAccount, ID: kernel.NewID(kernel.PrefixIAM)}
	for _, role := range roles {
		c.Grant(s, role, state.Ref{Type: "resource-manager.folder", ID: c.Folder})
	}
	return s
}

// Grant binds a role on a resource.
func (c *Cloud) Grant(s access.Subject, role string, on state.Ref) {
	c.t.Helper()
	if !access.Known(role) {
		c.t.Fatalf("unknown role %s", role)
	}
	if _, err := c.K.Bindings.Update(on, []access.Delta{{Role: role, Subject: s}}, c.Clock.Now(), nil); err != nil {
		c.t.Fatal(err)
	}
}

// Token is an IAM token of a subject.
func (c *Cloud) Token(s access.Subject) string {
	return c.K.Tokens.Mint(s, c.Clock.Now().Add(12*time.Hour))
}

// As is a context that calls as a subject.
func (c *Cloud) As(s access.Subject) context.Context {
	return metadata.AppendToOutgoingContext(c.t.Context(), "authorization", "Bearer "+c.Token(s))
}

// With is a context that calls as a new subject with roles on Folder.
func (c *Cloud) With(roles ...string) context.Context {
	c.t.Helper()
	return c.As(c.Subject(roles...))
}

// LastReason is why the last audited call was refused.
func (c *Cloud) LastReason() string {
	all := c.K.Audit.Entries(nil)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].Reason
}

// Refused fails the test unless err has a code and the audit log the reason.
func (c *Cloud) Refused(err error, code codes.Code, reason string) {
	c.t.Helper()
	if got := status.Code(err); got != code || c.LastReason() != reason {
		c.t.Errorf("got %s (%v) for %q; want %s for %q", got, err, c.LastReason(), code, reason)
	}
}

// Done unpacks the response of an operation that has succeeded.
func Done[M proto.Message](t testing.TB, op *operation.Operation, err error) M {
	t.Helper()
	var none M
	if err != nil {
		t.Fatal(err)
	}
	if !op.Done || op.GetResponse() == nil {
		t.Fatalf("the operation %s is not done or has failed: %v", op.Description, op.GetError())
	}
	got, err := op.GetResponse().UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	m, ok := got.(M)
	if !ok {
		t.Fatalf("the response of %s is %T, want %T", op.Description, got, none)
	}
	return m
}

func (c *Cloud) checkOperation(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	op, ok := reply.(*operation.Operation)
	if err != nil || !ok {
		return err
	}
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	found, ferr := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + name))
	if ferr != nil {
		c.t.Errorf("%s: %v", method, ferr)
		return nil
	}
	want, _ := proto.GetExtension(found.Options(), api.E_Operation).(*api.Operation)
	if want == nil {
		return nil // OperationService itself
	}
	pkg := string(found.ParentFile().Package())
	if got := op.GetMetadata().MessageName(); !named(got, pkg, want.Metadata) {
		c.t.Errorf("%s: metadata is %s, the descriptor says %s", method, got, want.Metadata)
	}
	if op.GetResponse() == nil {
		return nil
	}
	if got := op.GetResponse().MessageName(); !named(got, pkg, want.Response) {
		c.t.Errorf("%s: response is %s, the descriptor says %s", method, got, want.Response)
	}
	c.mu.Lock()
	c.seen[strings.TrimPrefix(method, "/")] = true
	c.mu.Unlock()
	return nil
}

// named: the option names a message from its package, from yandex.cloud or in full.
func named(got protoreflect.FullName, pkg, want string) bool {
	return slices.Contains([]string{pkg + "." + want, "yandex.cloud." + want, want}, string(got))
}

// EveryOperationSeen fails the test for each method with a rule that starts
// operations and of which no finished one was seen. With packages ("yandex.cloud.k8s.v1")
// it looks at their services only.
func (c *Cloud) EveryOperationSeen(packages ...string) {
	c.t.Helper()
	for _, s := range c.services {
		if pkg := s.Desc.ServiceName[:strings.LastIndexByte(s.Desc.ServiceName, '.')]; len(packages) > 0 && !slices.Contains(packages, pkg) {
			continue
		}
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(s.Desc.ServiceName))
		if err != nil {
			c.t.Fatal(err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			m := methods.Get(i)
			name := s.Desc.ServiceName + "/" + string(m.Name())
			if _, ruled := s.Rules[string(m.Name())]; ruled && proto.HasExtension(m.Options(), api.E_Operation) && !c.seen[name] {
				c.t.Errorf("no finished operation of %s was seen", name)
			}
		}
	}
}
