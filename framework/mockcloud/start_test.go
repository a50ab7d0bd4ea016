package mockcloud

import (
	"context"
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	operationpb "github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/resourcemanager"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// start runs a mock cloud whose clusters exist on paper only.
func start(t *testing.T, change ...func(*Options)) *Cloud {
	t.Helper()
	o := Options{Dir: t.TempDir(), Settings: new(settings.Default())}
	for _, f := range change {
		f(&o)
	}
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

// bearer is a plain gRPC client's token.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }

// as connects a plain gRPC client that calls as a subject.
func (c *Cloud) as(t *testing.T, subject access.Subject, more ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	token := c.kernel.Tokens.Mint(subject, c.clock.Now().Add(time.Hour))
	conn, err := grpc.NewClient(c.api.Addr().String(), append(more, grpc.WithPerRPCCredentials(bearer(token)),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: c.authority.Pool(), MinVersion: tls.VersionTLS12})))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// client is a plain HTTPS client.
func (c *Cloud) client() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.authority.Pool(), MinVersion: tls.VersionTLS12}}}
}

// must returns the response of an operation that is done already.
func must[T proto.Message](t *testing.T, op *operationpb.Operation, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !op.Done || op.GetError() != nil {
		t.Fatalf("operation %q: done %v, error %v", op.Description, op.Done, op.GetError())
	}
	m, err := op.GetResponse().UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	typed, ok := m.(T)
	if !ok {
		t.Fatalf("operation %q responds %T", op.Description, m)
	}
	return typed
}

func onFolder(id string) state.Ref {
	return state.Ref{Type: resourcemanager.KindFolder, ID: id}
}
