package pause

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
)

// Failure is what the suite says of the check that failed.
type Failure struct {
	Spec        string `json:"spec"`
	Requirement string `json:"requirement"`
	// Location is the file and line of the check.
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Ask tells the desk at a socket of a failure and returns when it lets go, or is gone,
// or with the error of ctx.
func Ask(ctx context.Context, socket string, f Failure) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("asking for a pause: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := json.NewEncoder(conn).Encode(f); err != nil {
		return fmt.Errorf("asking for a pause: %w", err)
	}
	// Nothing is sent: the end of the connection is the answer.
	_, err = io.Copy(io.Discard, conn)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Desk is the launcher's side.
type Desk struct {
	dir      string
	listener net.Listener
	done     chan struct{}
}

// Open opens a desk. show is called for one failure at a time, and the suite goes on
// when it returns.
func Open(show func(Failure)) (*Desk, error) {
	// Not in the run's folder: the path of a socket must be short.
	dir, err := os.MkdirTemp("", "wlif-pause-")
	if err != nil {
		return nil, fmt.Errorf("preparing pauses: %w", err)
	}
	d := &Desk{dir: dir, done: make(chan struct{})}
	if d.listener, err = net.Listen("unix", d.Socket()); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing pauses: %w", err), os.RemoveAll(dir))
	}
	go d.serve(show)
	return d, nil
}

// Socket is the path that the suite needs.
func (d *Desk) Socket() string { return filepath.Join(d.dir, "s") }

func (d *Desk) serve(show func(Failure)) {
	defer close(d.done)
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return // closed
		}
		var f Failure
		if json.NewDecoder(conn).Decode(&f) == nil {
			show(f)
		}
		_ = conn.Close() // the answer
	}
}

// Close closes the desk; a show that waits for somebody is not waited for.
func (d *Desk) Close() error { return errors.Join(d.listener.Close(), os.RemoveAll(d.dir)) }
