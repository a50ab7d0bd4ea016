package storage

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Whatever a path and a host say, nothing of them is lost or made up, no bucket has a
// slash, and every action but the list of buckets needs a permission on one.
func FuzzPath(f *testing.F) {
	f.Add("GET", "/bucket/a/b.json", "storage.yandexcloud.net", "")
	f.Add("PUT", "/../../etc/passwd", "bucket.storage.yandexcloud.net:443", "acl")
	f.Add("POST", "//x", "", "delete")
	f.Add("DELETE", "", "..storage.yandexcloud.net", "uploadId=1")
	f.Fuzz(func(t *testing.T, method, path, host, query string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://storage.yandexcloud.net/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Method, r.URL.Path, r.Host, r.URL.RawQuery = method, path, host, query
		q := parse(r)
		named, asked := strings.TrimSuffix(q.bucket+"/"+q.key, "/"), strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
		if strings.Contains(q.bucket, "/") || !strings.HasSuffix(named, asked) {
			t.Errorf("%q at %q is %q of %q", path, host, q.key, q.bucket)
		}
		known := slices.Contains([]string{"GET", "HEAD", "PUT", "POST", "DELETE"}, method)
		if q.permission == "" && q.bucket != "" && known && q.method != "storage/"+method {
			t.Errorf("%s of %q needs no permission", q.method, q.bucket)
		}
	})
}
