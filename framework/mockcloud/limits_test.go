package mockcloud

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// many requests are not made in as many seconds, on any machine.
const many = 50

// TestTooManyRequests: over the limit each way in says so in its own words, and what
// the limit lets through is answered.
func TestTooManyRequests(t *testing.T) {
	c := start(t, func(o *Options) { o.Settings.Limits.RequestsPerSecond = 1 })
	accounts := iam.NewServiceAccountServiceClient(c.as(t, c.World().Owner))
	list := func() codes.Code {
		_, err := accounts.List(t.Context(), &iam.ListServiceAccountsRequest{FolderId: c.World().FolderID})
		return status.Code(err)
	}
	if got := list(); got != codes.OK {
		t.Errorf("gRPC: the first request is answered with %v", got)
	}
	refused := false
	for i := 0; i < many && !refused; i++ {
		refused = list() == codes.ResourceExhausted
	}
	if !refused {
		t.Error("gRPC takes any number of requests")
	}
	client := c.client()
	defer client.CloseIdleConnections()
	for name, address := range map[string]string{"the API": c.api.Addr().String(), "storage": c.storage.Addr().String()} {
		refused := false
		for i := 0; i < many && !refused; i++ {
			resp, err := client.Get("https://" + address + "/some/where") //nolint:noctx // a local server of this test
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			refused = resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != "" && strings.Contains(string(body), `"code":8`)
		}
		if !refused {
			t.Errorf("%s takes any number of requests", name)
		}
	}
	if told := c.Audit().Entries(func(e audit.Entry) bool { return e.Reason == "rate" && e.Verdict == audit.Refused }); len(told) == 0 {
		t.Error("the audit log knows of no refusal")
	}
	c.Settings().Change(func(s *settings.Settings) { s.Limits.RequestsPerSecond = 0 })
	for range 20 {
		if _, err := accounts.List(t.Context(), &iam.ListServiceAccountsRequest{FolderId: c.World().FolderID}); err != nil {
			t.Fatalf("without a limit: %v", err)
		}
	}
}

// TestBigRequests: no way in takes a body of any size.
func TestBigRequests(t *testing.T) {
	c := start(t, func(o *Options) { o.Settings.Limits.MaxBody = 1 << 20 })
	client := c.client()
	defer client.CloseIdleConnections()
	big := bytes.Repeat([]byte("a"), 2<<20)
	for _, x := range []struct{ name, method, address string }{
		{"REST", http.MethodPost, "https://" + c.api.Addr().String() + "/iam/v1/serviceAccounts"},
		{"token endpoint", http.MethodPost, "https://" + c.api.Addr().String() + "/oauth/token"},
		{"object storage", http.MethodPut, "https://" + c.storage.Addr().String() + "/bucket/key"},
		{"admin port", http.MethodPatch, "http://" + c.admin.Addr().String() + "/settings"},
	} {
		t.Run(x.name, func(t *testing.T) {
			sent := &counter{r: bytes.NewReader(bytes.Repeat(big, 64))}
			req, err := http.NewRequestWithContext(t.Context(), x.method, x.address, sent)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+c.adminToken)
			resp, err := client.Do(req)
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode < 400 || resp.StatusCode > 499 {
					t.Errorf("status %d", resp.StatusCode)
				}
			}
			// What is in flight when the refusal comes does not count.
			if sent.n > 32<<20 {
				t.Errorf("%d bytes were taken", sent.n)
			}
		})
	}
}

// TestMaxBody: what is taken as it is, is refused where the setting allows less.
func TestMaxBody(t *testing.T) {
	c := start(t)
	client := c.client()
	defer client.CloseIdleConnections()
	user := c.kernel.Tokens.Mint(c.World().Owner, c.clock.Now().Add(time.Hour))
	body := `{"folderId": "` + c.World().FolderID + `", "name": "padded"` + strings.Repeat(" ", 4<<10) + "}"
	for _, most := range []int64{1 << 10, 8 << 10} {
		c.Settings().Change(func(s *settings.Settings) { s.Limits.MaxBody = most })
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+c.api.Addr().String()+"/iam/v1/serviceAccounts", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+user)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if taken := resp.StatusCode < 300; taken != (most > int64(len(body))) {
			t.Errorf("%d bytes where %d are allowed: status %d", len(body), most, resp.StatusCode)
		}
	}
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
