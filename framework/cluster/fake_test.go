package cluster

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// fakeAPI is an API server that keeps objects as JSON by their path.
type fakeAPI struct {
	*httptest.Server
	mu      sync.Mutex
	token   string
	objects map[string]string
	// refuse answers every write with this status.
	refuse int
	// lingers is how many reads an object survives its deletion.
	lingers map[string]int
}

func startFake(t *testing.T) *fakeAPI {
	t.Helper()
	f := &fakeAPI{token: "token-1", objects: map[string]string{}, lingers: map[string]int{}}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeAPI) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
}

var static = map[string]string{
	"/version":                          `{"gitVersion":"v1.36.3"}`,
	"/.well-known/openid-configuration": `{"issuer":"https://issuer","jwks_uri":"https://issuer/jwks.json"}`,
	"/apis":                             `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`,
	"/api":                              `{"kind":"APIVersions","versions":["v1"]}`,
	"/api/v1": `{"kind":"APIResourceList","groupVersion":"v1","resources":[
		{"name":"namespaces","kind":"Namespace","namespaced":false},{"name":"serviceaccounts","kind":"ServiceAccount","namespaced":true}]}`,
}

func (f *fakeAPI) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != "Bearer "+f.token {
		refuse(w, http.StatusUnauthorized, metav1.StatusReasonUnauthorized)
		return
	}
	if text, ok := static[r.URL.Path]; ok {
		_, _ = io.WriteString(w, text)
		return
	}
	if r.Method != http.MethodGet && f.refuse != 0 {
		refuse(w, f.refuse, metav1.StatusReasonForbidden)
		return
	}
	switch r.Method {
	case http.MethodPost:
		wire, _ := io.ReadAll(r.Body)
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(wire, nil, nil)
		if err != nil {
			refuse(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		body, _ := runtime.Encode(scheme.Codecs.LegacyCodec(corev1.SchemeGroupVersion), object)
		path := r.URL.Path + "/" + object.(metav1.Object).GetName()
		if _, there := f.objects[path]; there {
			refuse(w, http.StatusConflict, metav1.StatusReasonAlreadyExists)
			return
		}
		f.objects[path] = string(body)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	case http.MethodDelete:
		if f.lingers[r.URL.Path] == 0 {
			delete(f.objects, r.URL.Path)
		}
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Success"}`)
	default:
		f.read(w, r)
	}
}

func (f *fakeAPI) read(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/v1/namespaces" {
		var items []json.RawMessage
		for _, object := range f.objects {
			if _, value, _ := strings.Cut(r.URL.Query().Get("labelSelector"), "="); strings.Contains(object, value) {
				items = append(items, json.RawMessage(object))
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "NamespaceList", "apiVersion": "v1", "items": items})
		return
	}
	object, there := f.objects[r.URL.Path]
	if f.lingers[r.URL.Path] > 0 {
		if f.lingers[r.URL.Path]--; f.lingers[r.URL.Path] == 0 {
			delete(f.objects, r.URL.Path)
		}
	}
	if !there {
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound)
		return
	}
	_, _ = io.WriteString(w, object)
}

func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: reason, Code: int32(code), Message: string(reason),
	})
}
