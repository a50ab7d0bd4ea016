// Package admin is the loopback port on which a mock cloud is looked at and set
// while it runs: inventory, audit log, settings, faults, calls that wait, clock, the work of the
// clusters' engine and the clusters' logs, shutdown. It is no part of any cloud, and
// needs a token of its own.
package admin

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/hold"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/mk8s"
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
	// InFolder keeps of resources and bindings those that belong to a folder.
	InFolder(folder string, resources []state.Meta, bindings []access.Bound) ([]state.Meta, []access.Bound)
	// Holds are the calls that are to wait.
	Holds() *hold.Desk
	// AddFolder makes a folder in which the user has what a run needs.
	AddFolder(name string) (id string, err error)
	// Advance moves the cloud's clock forward, unless it was given one.
	Advance(d time.Duration) error
	// Work tells what the clusters' engine has done.
	Work(ctx context.Context) mk8s.Work
	// CollectLogs writes the logs of the clusters that run into a folder.
	CollectLogs(ctx context.Context, dir string) error
	// Shutdown asks the process to end.
	Shutdown()
}

// maxSettings bounds what a request may send.
const maxSettings = 1 << 20

// Handler answers the port; every request carries "Authorization: Bearer <token>".
func Handler(c Cloud, token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /inventory", func(w http.ResponseWriter, r *http.Request) {
		resources, bindings := c.Inventory(), c.Granted()
		if folder := r.URL.Query().Get("folder"); folder != "" {
			resources, bindings = c.InFolder(folder, resources, bindings)
		}
		write(w, map[string]any{"resources": nonNil(resources), "bindings": nonNil(bindings)})
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
		change(w, r, func(raw []byte) error { return setFaults(c, raw) })
	})
	handleHolds(mux, c)
	mux.HandleFunc("POST /folders", func(w http.ResponseWriter, r *http.Request) { addFolder(c, w, r) })
	mux.HandleFunc("POST /clock", func(w http.ResponseWriter, r *http.Request) {
		change(w, r, func(raw []byte) error { return advance(c, raw) })
	})
	mux.HandleFunc("GET /work", func(w http.ResponseWriter, r *http.Request) { write(w, c.Work(r.Context())) })
	mux.HandleFunc("POST /logs", func(w http.ResponseWriter, r *http.Request) {
		change(w, r, func(raw []byte) error { return collect(r.Context(), c, raw) })
	})
	mux.HandleFunc("POST /shutdown", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		c.Shutdown()
	})
	return guarded(mux, token)
}

// handleHolds: a point is chosen, awaited and released.
func handleHolds(mux *http.ServeMux, c Cloud) {
	mux.HandleFunc("POST /holds", func(w http.ResponseWriter, r *http.Request) {
		change(w, r, func(raw []byte) error {
			var p hold.Point
			dec := json.NewDecoder(bytes.NewReader(raw))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&p); err != nil {
				return err
			}
			return c.Holds().Choose(p)
		})
	})
	mux.HandleFunc("GET /holds", func(w http.ResponseWriter, r *http.Request) {
		if err := c.Holds().Await(r.Context(), r.URL.Query().Get("folder")); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /holds", func(w http.ResponseWriter, r *http.Request) {
		c.Holds().Release(r.URL.Query().Get("folder"))
		w.WriteHeader(http.StatusNoContent)
	})
}

// setFaults replaces all faults; each has its calls before it, also one that was
// there already.
func setFaults(c Cloud, raw []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil || list == nil {
		return errors.Join(errors.New(`the body is a list of faults: [{"method": "*", "code": "UNAVAILABLE", "calls": 1}]`), err)
	}
	patch, err := json.Marshal(map[string]any{"faults": list})
	if err != nil {
		return err
	}
	return c.Settings().Patch(patch)
}

// addFolder makes the folder {"name": ...} and answers {"id": ...}.
func addFolder(c Cloud, w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name string `json:"name"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSettings))
	dec.DisallowUnknownFields()
	err := dec.Decode(&body)
	if err == nil && body.Name == "" {
		err = errors.New(`the body is {"name": "..."}`)
	}
	var id string
	if err == nil {
		id, err = c.AddFolder(body.Name)
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("no folder was made: %v", err), http.StatusBadRequest)
		return
	}
	write(w, map[string]string{"id": id})
}

func advance(c Cloud, raw []byte) error {
	var body struct {
		Advance settings.Duration `json:"advance"`
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil {
		return err
	}
	if body.Advance == 0 {
		return errors.New(`the body is {"advance": "90m"}`)
	}
	return c.Advance(time.Duration(body.Advance))
}

func collect(ctx context.Context, c Cloud, raw []byte) error {
	var body struct {
		Dir string `json:"dir"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return err
	}
	if !filepath.IsAbs(body.Dir) {
		return errors.New(`the body is {"dir": "/an/absolute/path"}`)
	}
	return c.CollectLogs(ctx, body.Dir)
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
