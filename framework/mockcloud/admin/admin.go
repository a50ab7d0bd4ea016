// Package admin is the loopback port on which a mock cloud is looked at and set
// while it runs: inventory, audit log, settings, faults, clock, shutdown. It is
// no part of any cloud, and needs a token of its own.
package admin

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Cloud is what the port shows and sets.
type Cloud interface {
	// Inventory lists what users made and is still there.
	Inventory() []state.Meta
	// Granted lists the access bindings that users made and are still there.
	Granted() []access.Bound
	Audit() *audit.Log
	Settings() *settings.Live
	// Advance moves the cloud's clock forward.
	Advance(d time.Duration)
	// Shutdown asks the process to end.
	Shutdown()
}

// maxSettings bounds what a request may send.
const maxSettings = 1 << 20

// Handler answers the port; every request carries "Authorization: Bearer <token>".
func Handler(c Cloud, token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /inventory", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"resources": nonNil(c.Inventory()), "bindings": nonNil(c.Granted())})
	})
	mux.HandleFunc("GET /audit", func(w http.ResponseWriter, r *http.Request) {
		run := r.URL.Query().Get("run")
		w.Header().Set("Content-Type", "application/jsonl")
		enc := json.NewEncoder(w)
		for _, e := range c.Audit().Entries(func(e audit.Entry) bool { return run == "" || e.Run == run }) {
			if enc.Encode(e) != nil {
				return // the client is gone
			}
		}
	})
	mux.HandleFunc("GET /settings", func(w http.ResponseWriter, _ *http.Request) { write(w, c.Settings().Get()) })
	mux.HandleFunc("PATCH /settings", func(w http.ResponseWriter, r *http.Request) {
		change(w, r, func(raw []byte) error { return c.Settings().Patch(raw) })
	})
	mux.HandleFunc("POST /faults", func(w http.ResponseWriter, r *http.Request) {
		change(w, r, func(raw []byte) error { return c.Settings().Patch(append(append([]byte(`{"faults":`), raw...), '}')) })
	})
	mux.HandleFunc("POST /clock", func(w http.ResponseWriter, r *http.Request) {
		change(w, r, func(raw []byte) error {
			var body struct {
				Advance settings.Duration `json:"advance"`
			}
			if err := json.Unmarshal(raw, &body); err != nil {
				return err
			}
			c.Advance(time.Duration(body.Advance))
			return nil
		})
	})
	mux.HandleFunc("POST /shutdown", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		c.Shutdown()
	})
	return guarded(mux, token)
}

func guarded(next http.Handler, token string) http.Handler {
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			http.Error(w, "the admin port needs its token: Authorization: Bearer ...", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func change(w http.ResponseWriter, r *http.Request, apply func([]byte) error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSettings))
	if err == nil {
		err = apply(raw)
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("nothing was changed: %v", err), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone: nobody to tell
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
