package cloud_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// serverCert is what every fake cloud of this test binary shows. Its CA reaches
// the SDK as it does in a run: through SSL_CERT_FILE, before anything is dialled.
var serverCert tls.Certificate

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cloud-test-")
	if err != nil {
		panic(err)
	}
	serverCert = selfSigned(filepath.Join(dir, "ca.pem"))
	os.Setenv("SSL_CERT_FILE", filepath.Join(dir, "ca.pem"))
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func selfSigned(caFile string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// fake is a cloud that does what a test tells it.
type fake struct {
	addr string
	// ids are the endpoints that discovery knows.
	ids []string
	// issue answers IamTokenService.Create.
	issue func(*iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error)
	// create answers NetworkService.Create, get NetworkService.Get and poll
	// OperationService.Get; attempt counts from 1.
	create func(ctx context.Context, attempt int) (*operation.Operation, error)
	get    func(ctx context.Context, attempt int) (*vpc.Network, error)
	poll   func(ctx context.Context, attempt int) (*operation.Operation, error)

	mu       sync.Mutex
	metadata []metadata.MD
	calls    map[string]int
}

type (
	endpoints struct {
		endpoint.UnimplementedApiEndpointServiceServer
		*fake
	}
	iamTokens struct {
		iam.UnimplementedIamTokenServiceServer
		*fake
	}
	networks struct {
		vpc.UnimplementedNetworkServiceServer
		*fake
	}
	operations struct {
		operation.UnimplementedOperationServiceServer
		*fake
	}
)

func newFake(t *testing.T) *fake {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{addr: l.Addr().String(), ids: []string{"iam", "vpc", "operation"}, calls: map[string]int{}}
	f.issue = func(*iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
		return &iam.CreateIamTokenResponse{IamToken: "t1.fake", ExpiresAt: timestamppb.New(time.Now().Add(time.Hour))}, nil
	}
	s := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&serverCert)))
	endpoint.RegisterApiEndpointServiceServer(s, endpoints{fake: f})
	iam.RegisterIamTokenServiceServer(s, iamTokens{fake: f})
	vpc.RegisterNetworkServiceServer(s, networks{fake: f})
	operation.RegisterOperationServiceServer(s, operations{fake: f})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return f
}

// count counts a call, keeps its headers and sends the server's own.
func (f *fake) count(ctx context.Context, method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	f.metadata = append(f.metadata, md)
	f.calls[method]++
	_ = grpc.SetHeader(ctx, metadata.Pairs("x-request-id", fmt.Sprintf("%s-%d", method, f.calls[method])))
	return f.calls[method]
}

func (f *fake) headers(name string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, md := range f.metadata {
		out = append(out, md.Get(name)...)
	}
	return out
}

func (f *fake) called(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

func (f endpoints) List(context.Context, *endpoint.ListApiEndpointsRequest) (*endpoint.ListApiEndpointsResponse, error) {
	r := &endpoint.ListApiEndpointsResponse{}
	for _, id := range f.ids {
		r.Endpoints = append(r.Endpoints, &endpoint.ApiEndpoint{Id: id, Address: f.addr})
	}
	return r, nil
}

func (f iamTokens) Create(ctx context.Context, r *iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
	f.count(ctx, "token")
	return f.issue(r)
}

func (f networks) Create(ctx context.Context, _ *vpc.CreateNetworkRequest) (*operation.Operation, error) {
	return f.create(ctx, f.count(ctx, "create"))
}

func (f networks) Get(ctx context.Context, _ *vpc.GetNetworkRequest) (*vpc.Network, error) {
	return f.get(ctx, f.count(ctx, "get"))
}

func (f operations) Get(ctx context.Context, _ *operation.GetOperationRequest) (*operation.Operation, error) {
	return f.poll(ctx, f.count(ctx, "poll"))
}
