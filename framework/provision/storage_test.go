package provision_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

func (w *world) fixtures(l *provision.Ledger) *provision.Fixtures {
	return provision.NewFixtures(provision.Options{Config: w.cfg, Client: w.client, Ledger: l}, nil)
}

// fetch reads a URL as a stranger does.
func (w *world) fetch(url string) (status int, contentType, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), string(raw)
}

// Strangers read the objects of a public bucket, not of a private one, and in
// neither the list; and what a bucket holds goes with it.
func TestBuckets(t *testing.T) {
	w := newWorld(t, nil)
	w.cfg.StorageEndpoint = w.announce.StorageEndpoint
	ctx, l := t.Context(), w.ledger()
	f := w.fixtures(l)
	public, err := f.Bucket(ctx, "public", provision.BucketSpec{Public: true})
	if err != nil {
		t.Fatal(err)
	}
	private, err := f.Bucket(ctx, "private", provision.BucketSpec{Folder: w.announce.OtherFolderID})
	if err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{w.cfg.FolderID: public, w.announce.OtherFolderID: private} {
		left, err := provision.Inventory(ctx, w.client, []string{folder}, l.Header().RunID)
		if err != nil || len(left) != 1 || left[0].ID != want {
			t.Errorf("in folder %s is %+v, error %v; want %s", folder, left, err, want)
		}
	}
	var urls []string
	for _, bucket := range []string{public, private} {
		for _, key := range []string{"jwks.json", "a/b c"} {
			url, err := f.Put(ctx, bucket, key, "application/json", []byte(bucket+key))
			if err != nil {
				t.Fatal(err)
			}
			urls = append(urls, url)
		}
	}
	if want := w.announce.StorageEndpoint + "/" + public + "/jwks.json"; urls[0] != want {
		t.Errorf("the URL is %s, want %s", urls[0], want)
	}
	expect := func(url string, status int, body string) {
		t.Helper()
		if got, kind, text := w.fetch(url); got != status || status == http.StatusOK && (kind != "application/json" || text != body) {
			t.Errorf("%s: %d %s %s", url, got, kind, text)
		}
	}
	expect(urls[0], http.StatusOK, public+"jwks.json")
	expect(urls[1], http.StatusOK, public+"a/b c")
	expect(urls[2], http.StatusForbidden, "")
	expect(strings.TrimSuffix(urls[0], "/jwks.json"), http.StatusForbidden, "")

	if err := f.Publish(ctx, private, true); err != nil {
		t.Fatal(err)
	}
	expect(urls[2], http.StatusOK, private+"jwks.json")
	if err := f.Publish(ctx, private, false); err != nil {
		t.Fatal(err)
	}
	expect(urls[2], http.StatusForbidden, "")
	if err := f.Remove(ctx, public, "jwks.json"); err != nil {
		t.Fatal(err)
	}
	expect(urls[0], http.StatusNotFound, "")
	if _, err := f.Put(ctx, public, "jwks.json", "application/json", []byte("new")); err != nil {
		t.Fatal(err)
	}
	expect(urls[0], http.StatusOK, "new")

	if err := f.Delete(ctx, private); err != nil {
		t.Fatal(err)
	}
	if got := w.inventory(); !slices.Equal(got, []string{"storage.bucket " + public}) {
		t.Errorf("the mock has %q", got)
	}
	w.tornDown(l)
}

// A sweep finds a bucket by its tags when its ledger is lost, and by its name
// alone; and asks the cloud where the objects are if nobody said so.
func TestSweepFindsBuckets(t *testing.T) {
	w := newWorld(t, nil)
	ctx, l := t.Context(), w.ledger()
	w.cfg.StorageEndpoint = w.announce.StorageEndpoint
	f := w.fixtures(l)
	name, err := f.Bucket(ctx, "lost", provision.BucketSpec{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Put(ctx, name, "key", "text/plain", []byte("left behind")); err != nil {
		t.Fatal(err)
	}
	h := l.Header()
	left, err := provision.Inventory(ctx, w.client, []string{w.cfg.FolderID}, h.RunID)
	if err != nil || len(left) != 1 || left[0].Kind != provision.KindBucket || left[0].ID != name || left[0].Labels[provision.LabelOwner] != "tester" || left[0].Created.IsZero() {
		t.Fatalf("the inventory has %+v, error %v", left, err)
	}
	if want := "yc storage s3 rm --recursive s3://" + name + "/; yc storage bucket delete " + name; left[0].Command != want {
		t.Errorf("by hand: %s, want %s", left[0].Command, want)
	}
	w.cfg.StorageEndpoint = ""
	runs, err := provision.Sweep(ctx, provision.SweepOptions{Config: w.cfg, Client: w.client, StateDir: t.TempDir(), Now: h.Expires.Add(1), Dial: w.kube.dial})
	if err != nil || len(runs) != 1 || runs[0].Outcome == nil || len(runs[0].Outcome.Deleted) != 1 {
		t.Errorf("swept %+v, error %v", runs, err)
	}
	w.nothingLeft()
}

// What is deleted while it is being listed is gone; what cannot be looked at is an
// error.
func TestBucketsThatGoWhileTheyAreListed(t *testing.T) {
	for code, wrong := range map[string]bool{"NOT_FOUND": false, "INTERNAL": true} {
		w := newWorld(t, func(s *settings.Settings) {
			s.Faults = []settings.Fault{{Method: "yandex.cloud.storage.v1.BucketService/Get", Code: code, Calls: 1}}
		})
		l := w.ledger()
		for range 2 {
			if _, err := w.fixtures(l).Bucket(t.Context(), "going", provision.BucketSpec{}); err != nil {
				t.Fatal(err)
			}
		}
		left, err := provision.Inventory(t.Context(), w.client, []string{w.cfg.FolderID}, l.Header().RunID)
		if (err != nil) != wrong || err == nil && len(left) != 1 {
			t.Errorf("%s: the inventory has %+v, error %v", code, left, err)
		}
		w.cfg.StorageEndpoint = w.announce.StorageEndpoint
		w.tornDown(l)
	}
}

// What a bucket cannot do is said with what was being done.
func TestRefusedStorage(t *testing.T) {
	w := newWorld(t, nil)
	ctx, l := t.Context(), w.ledger()
	w.cfg.StorageEndpoint = w.announce.StorageEndpoint
	f := w.fixtures(l)
	if _, err := f.Put(ctx, "nobodys-bucket", "key", "text/plain", nil); cloud.ClassOf(err) != cloud.ClassNotFound || !strings.HasPrefix(err.Error(), "uploading key to bucket nobodys-bucket: storage/PutObject answered NotFound: NoSuchBucket") {
		t.Errorf("have %v", err)
	}
	w.cfg.StorageEndpoint = "http://plain"
	if err := f.Remove(ctx, "bucket", "key"); err == nil || !strings.Contains(err.Error(), "storage_endpoint") {
		t.Errorf("have %v", err)
	}
	w.tornDown(l)
}

// storage.admin is needed for a public bucket, and nothing else is: who has no role
// in object storage can still run and clean up what needs none.
func TestStorageAdminIsNeeded(t *testing.T) {
	w := newWorld(t, nil)
	l := w.ledger()
	w.dropOwnRole("storage.admin")
	_, err := w.fixtures(l).Bucket(t.Context(), "public", provision.BucketSpec{Public: true})
	if cloud.ClassOf(err) != cloud.ClassPermission || !strings.Contains(err.Error(), codes.PermissionDenied.String()) || len(l.Live()) != 0 {
		t.Errorf("have %v, in the ledger %v", err, l.Live())
	}
	w.tornDown(l)
}
