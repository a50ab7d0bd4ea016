package mockcloud

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

var updateSurface = flag.Bool("update-surface", false, "write testdata/surface.txt anew, when what is new in it is handled")

const surfaceFile = "testdata/surface.txt"

// TestTheAPIIsTheOneThatIsKnown: a newer go-genproto may bring methods, fields and options
// that the mock would silently ignore.
func TestTheAPIIsTheOneThatIsKnown(t *testing.T) {
	found := surface(t, start(t))
	if *updateSurface {
		if err := os.WriteFile(surfaceFile, []byte(strings.Join(found, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(surfaceFile)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(strings.TrimSpace(string(raw)), "\n")
	fresh, gone := without(found, known), without(known, found)
	for _, line := range fresh {
		t.Errorf("new or changed: %s", line)
	}
	for _, line := range gone {
		t.Errorf("gone or changed: %s", line)
	}
	if len(fresh)+len(gone) > 0 {
		t.Log("Handle each in the mock, or leave a method out with its reason (leftOut); then run this test with -update-surface.")
	}
}

func TestSurfaceNoticesWhatIsNew(t *testing.T) {
	found := surface(t, start(t))
	for _, want := range []string{
		"method yandex.cloud.k8s.v1.ClusterService/Create",                 // with its route
		"field yandex.cloud.k8s.v1.CreateClusterRequest.folder_id",         // with its rules
		"field yandex.cloud.k8s.v1.ZonalMasterSpec.zone_id",                // of a message in a message
		"field yandex.cloud.lockbox.v1.GetPayloadRequest.secret_id",        // of another service
		"value yandex.cloud.k8s.v1.ReleaseChannel.RAPID",                   // of an enum
		"field yandex.cloud.k8s.v1.WorkloadIdentityFederationSpec.enabled", // the subject of it all
	} {
		if !slices.ContainsFunc(found, func(line string) bool { return strings.HasPrefix(line, want+" ") }) {
			t.Errorf("it does not list %s", want)
		}
	}
	if got := without(found, found[1:]); len(got) != 1 || got[0] != found[0] {
		t.Errorf("of one more line it says %q", got)
	}
}

// without are the lines that are not among the known.
func without(lines, known []string) []string {
	seen := map[string]bool{}
	for _, line := range known {
		seen[line] = true
	}
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return seen[line] })
}

// surface has a line for each method of the mock's services, and for whatever a request
// can have in it, with all options.
func surface(t *testing.T, c *Cloud) []string {
	t.Helper()
	s := surveyor{seen: map[protoreflect.FullName]bool{}}
	for _, service := range c.Services() {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service.Desc.ServiceName))
		if err != nil {
			t.Fatal(err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			m := methods.Get(i)
			s.add("method %s/%s (%s) %s %s", service.Desc.ServiceName, m.Name(), m.Input().FullName(), m.Output().FullName(), optionsOf(t, m))
			if _, answered := service.Rules[string(m.Name())]; answered {
				s.message(t, m.Input())
			}
		}
	}
	slices.Sort(s.lines)
	return s.lines
}

type surveyor struct {
	lines []string
	seen  map[protoreflect.FullName]bool
}

func (s *surveyor) add(format string, args ...any) {
	s.lines = append(s.lines, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (s *surveyor) message(t *testing.T, m protoreflect.MessageDescriptor) {
	if s.seen[m.FullName()] || !strings.HasPrefix(string(m.FullName()), "yandex.") {
		return
	}
	s.seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		kind := f.Kind().String()
		switch {
		case f.Message() != nil:
			kind = string(f.Message().FullName())
			s.message(t, f.Message()) // of a map it is that of its entries
		case f.Enum() != nil:
			kind = string(f.Enum().FullName())
			s.enum(t, f.Enum())
		}
		s.add("field %s %s %s %s", f.FullName(), f.Cardinality(), kind, optionsOf(t, f))
	}
}

func (s *surveyor) enum(t *testing.T, e protoreflect.EnumDescriptor) {
	if s.seen[e.FullName()] {
		return
	}
	s.seen[e.FullName()] = true
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		s.add("value %s.%s %d %s", e.FullName(), v.Name(), v.Number(), optionsOf(t, v))
	}
}

// optionsOf are a descriptor's options, extensions among them, in one line.
func optionsOf(t *testing.T, d protoreflect.Descriptor) string {
	t.Helper()
	options := d.Options()
	if proto.Size(options) == 0 {
		return ""
	}
	raw, err := protojson.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	// Its spaces are random.
	return strings.ReplaceAll(string(raw), ", ", ",")
}
