package mockcloud

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
)

// route is an HTTP method and path of a method of the API.
type route struct{ method, verb, path string }

// routesOf lists those of every method that is implemented.
func routesOf(t *testing.T, c *Cloud) (routes []route, without []string) {
	t.Helper()
	variable := regexp.MustCompile(`\{[^}]*\}`)
	for _, s := range c.Services() {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(s.Desc.ServiceName))
		if err != nil {
			t.Fatal(err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for name := range s.Rules {
			m := methods.ByName(protoreflect.Name(name))
			method := string(m.Parent().FullName()) + "/" + name
			rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
			if rule == nil {
				without = append(without, method)
				continue
			}
			for _, b := range append([]*annotations.HttpRule{rule}, rule.AdditionalBindings...) {
				verbs := map[string]string{"GET": b.GetGet(), "POST": b.GetPost(), "PUT": b.GetPut(), "PATCH": b.GetPatch(), "DELETE": b.GetDelete()}
				for verb, path := range verbs {
					if path != "" {
						routes = append(routes, route{method, verb, variable.ReplaceAllString(path, "aje00000000000000000")})
					}
				}
			}
		}
	}
	slices.SortFunc(routes, func(a, b route) int { return strings.Compare(a.method+a.verb+a.path, b.method+b.verb+b.path) })
	return routes, without
}

// TestEveryRouteByCurl: curl reaches the method that the API's own description promises
// at each path. That it is answered as it should be is for other tests: nothing with
// these ids exists.
func TestEveryRouteByCurl(t *testing.T) {
	c := start(t)
	routes, without := routesOf(t, c)
	if len(routes) < 150 || len(without) > 0 {
		t.Fatalf("%d routes; without one: %v", len(routes), without)
	}
	dir, token := t.TempDir(), c.kernel.Tokens.Mint(c.world.Owner, c.kernel.Clock.Now().Add(time.Hour))
	var asked strings.Builder
	for i, r := range routes {
		body := ""
		if r.verb != "GET" && r.verb != "DELETE" {
			body = "header = \"Content-Type: application/json\"\ndata = \"{}\"\n"
		}
		fmt.Fprintf(&asked, "url = \"https://api.cloud.yandex.net%s\"\nrequest = %s\n%soutput = %q\nwrite-out = \"%%{http_code} %%{content_type}\\n\"\ncacert = %q\nconnect-to = \"::%s\"\nheader = \"Authorization: Bearer %s\"\nuser-agent = \"%s\"\nnext\n",
			r.path, r.verb, body, filepath.Join(dir, fmt.Sprint(i)), c.Announcement().CAFile, c.Announcement().Endpoint, token, fmt.Sprintf("wlif-conformance/route%03d", i))
	}
	cmd := exec.CommandContext(t.Context(), "curl", "--silent", "--show-error", "--config", "-")
	cmd.Stdin = strings.NewReader(strings.TrimSuffix(asked.String(), "next\n"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != len(routes) {
		t.Fatalf("%d answers to %d requests", len(answers), len(routes))
	}
	for i, r := range routes {
		run := fmt.Sprintf("route%03d", i)
		got := c.kernel.Audit.Entries(func(e audit.Entry) bool { return e.Run == run })
		said, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil || !strings.HasSuffix(answers[i], "application/json") || strings.HasPrefix(answers[i], "501") {
			t.Errorf("%s %s: %s, %v: %s", r.verb, r.path, answers[i], err, said)
		}
		if len(got) != 1 || got[0].Method != r.method {
			t.Errorf("%s %s is %s: the audit log has %+v, the answer is %s %s", r.verb, r.path, r.method, got, answers[i], said)
		}
	}
}
