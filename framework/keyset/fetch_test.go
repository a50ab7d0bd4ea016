package keyset

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func serve(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	return server
}

func TestFetch(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("sent credentials")
		}
		w.Header().Set("Content-Type", "Application/JSON; charset=utf-8")
		_, _ = io.WriteString(w, "{}")
	})
	got, err := fetch(t.Context(), server.Client(), server.URL)
	if err != nil || got.Status != http.StatusOK || got.MediaType != "application/json" || string(got.Body) != "{}" {
		t.Errorf("%+v, %v", got, err)
	}
}

// What says nothing about the document is told apart from what is wrong with it.
func TestFetchTellsFailuresApart(t *testing.T) {
	answer := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example")
			w.WriteHeader(status)
		}
	}
	gone := serve(t, answer(http.StatusOK))
	gone.Close()
	large := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(" ", maxDocument+1))
	})
	for _, tc := range []struct {
		name        string
		server      *httptest.Server
		trusted     bool
		status      int
		unavailable bool
	}{
		{"not found", serve(t, answer(http.StatusNotFound)), true, http.StatusNotFound, false},
		{"redirect", serve(t, answer(http.StatusFound)), true, http.StatusFound, false},
		{"server error", serve(t, answer(http.StatusBadGateway)), true, 0, true},
		{"throttled", serve(t, answer(http.StatusTooManyRequests)), true, 0, true},
		{"no answer", gone, true, 0, true},
		{"unknown authority", serve(t, answer(http.StatusOK)), false, 0, false},
		{"too large", large, true, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client := &http.Client{}
			if tc.trusted {
				client = tc.server.Client()
			}
			got, err := fetch(t.Context(), client, tc.server.URL)
			var unavailable *UnavailableError
			if (err == nil) != (tc.status != 0) || got.Status != tc.status || errors.As(err, &unavailable) != tc.unavailable {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	for _, address := range []string{"http://i.example/jwks", "i.example/jwks", "https://", ":"} {
		var unavailable *UnavailableError
		if _, err := Fetch(t.Context(), address); err == nil || errors.As(err, &unavailable) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
