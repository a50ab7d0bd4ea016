package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/embedded"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kind"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// mockProcess is a mock cloud that this run started.
type mockProcess struct {
	announced mockcloud.Announcement
	dir       string
	// containers is the prefix of those in Docker; empty if there are none.
	containers string
	// launcher is locked as long as this process lives.
	launcher *os.File
	process  *os.Process
	ended    chan struct{}
	state    *os.ProcessState
}

// Keys of a ledger's Local, by which a mock is found again.
const (
	localMockDir    = "mock_dir"
	localMockPID    = "mock_pid"
	localContainers = "containers"
	// localKept tells whether the mock was to outlive its run. Ledgers of older versions
	// do not have it.
	localKept = "kept"
)

const announceName = "announce.json"

// mockDir is where a run's mock keeps its files.
func mockDir(runID string) string { return filepath.Join(os.TempDir(), ownPrefix+runID) }

// mockOptions of startMock.
type mockOptions struct {
	cfg   *config.Config
	runID string
	audit string
	// say shows what the mock is doing.
	say func(line string)
	// start is how the mock's program is started; nil: as any other.
	start func(*exec.Cmd) error
}

// startMock starts `wlif mock` and returns when it answers. Unless the run's
// resources are kept, the mock dies with this process, however that ends.
func startMock(ctx context.Context, o mockOptions) (*mockProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program, to start the mock: %w", err)
	}
	m := &mockProcess{dir: mockDir(o.runID), containers: containersOf(o.cfg, o.runID), ended: make(chan struct{})}
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the mock's folder: %w", err)
	}
	if m.launcher, err = openLocked(m.dir, launcherName); err != nil {
		return nil, errors.Join(err, m.removeDir())
	}
	log, err := openLocked(m.dir, logName)
	if err != nil {
		return nil, errors.Join(err, m.removeDir())
	}
	defer log.Close()
	command := exec.Command(self, m.arguments(o)...) //nolint:gosec // G204: this program itself
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !o.cfg.Keep {
		command.SysProcAttr.Pdeathsig = syscall.SIGTERM
	}
	started := make(chan error)
	start := o.start
	if start == nil {
		start = (*exec.Cmd).Start
	}
	go m.hold(start, command, started)
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("starting the mock: %w", err), m.removeDir())
	}
	limit := o.cfg.Timeouts.MockStart.D()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it did not answer within %s (timeout.mock_start)", limit))
	defer cancel()
	if err := m.await(ctx, log.Name(), o.say); err != nil {
		return nil, errors.Join(err, m.stop(context.WithoutCancel(ctx)))
	}
	return m, nil
}

func (m *mockProcess) arguments(o mockOptions) []string {
	args := []string{"mock", "--announce", filepath.Join(m.dir, announceName), "--dir", filepath.Join(m.dir, "data"),
		"--audit", o.audit}
	if m.containers == "" {
		args = append(args, "--engine", embedded.Name)
	} else {
		args = append(args, "--engine", kind.Name, "--cluster-prefix", m.containers)
	}
	for flag, value := range map[string]string{
		"--prepare": o.cfg.K8sVersion, "--settings": o.cfg.MockSettings, "--listen": o.cfg.MockListen, "--state": o.cfg.MockState,
	} {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	return args
}

// hold starts the mock on a thread of its own and stays on it: the kernel sends
// the parent-death signal when the thread ends, not the process.
func (m *mockProcess) hold(start func(*exec.Cmd) error, command *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := start(command); err != nil {
		started <- err
		return
	}
	m.process = command.Process
	started <- nil
	_ = command.Wait() // the state says it all
	m.state = command.ProcessState
	close(m.ended)
}

// lookEvery is how often the announcement is looked for.
const lookEvery = 50 * time.Millisecond

// await reads the announcement when it is there. It is written atomically.
func (m *mockProcess) await(ctx context.Context, log string, say func(string)) error {
	progress := &tail{path: log}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		for _, line := range progress.lines() {
			say(line)
		}
		raw, err := os.ReadFile(filepath.Join(m.dir, announceName))
		if err == nil {
			if err := json.Unmarshal(raw, &m.announced); err != nil {
				return fmt.Errorf("reading the mock's announcement: %w", err)
			}
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("starting the mock: %w", context.Cause(ctx))
		case <-m.ended:
			return m.died(progress)
		}
	}
}

// died explains a mock that ended before it answered, in its own words.
func (m *mockProcess) died(progress *tail) error {
	reason := "it said nothing"
	progress.lines()
	for _, line := range progress.all {
		if text, ok := strings.CutPrefix(line, "wlif: "); ok {
			reason = text
		}
	}
	err := fmt.Errorf("the mock did not start: %s", reason)
	if m.state.ExitCode() == report.ExitUsage {
		return usageError(err)
	}
	return err
}

// tail reads the new lines of a growing file.
type tail struct {
	path   string
	offset int64
	rest   []byte
	// all are the lines so far.
	all []string
}

func (t *tail) lines() []string {
	file, err := os.Open(t.path)
	if err != nil {
		return nil
	}
	defer file.Close()
	fresh, _ := io.ReadAll(io.NewSectionReader(file, t.offset, 1<<30))
	t.offset += int64(len(fresh))
	t.rest = append(t.rest, fresh...)
	var out []string
	for {
		line, rest, complete := bytes.Cut(t.rest, []byte("\n"))
		if !complete {
			t.all = append(t.all, out...)
			return out
		}
		t.rest = rest
		out = append(out, string(line))
	}
}

// apply puts the mock's addresses and credentials into the configuration, and its
// CA into this process and its children.
func (m *mockProcess) apply(cfg *config.Config) error {
	a := m.announced
	token, err := os.ReadFile(a.TokenFile)
	if err != nil {
		return fmt.Errorf("reading the token of the mock's user: %w", err)
	}
	cfg.Endpoint, cfg.TokenEndpoint, cfg.StorageEndpoint = a.Endpoint, a.TokenEndpoint, a.StorageEndpoint
	cfg.PayloadEndpoint = "https://" + a.Endpoint
	cfg.CloudID, cfg.FolderID = a.CloudID, a.FolderID
	cfg.Credentials = config.Credentials{Token: config.NewSecret(strings.TrimSpace(string(token)))}
	cfg.OtherFolderID = cmp.Or(cfg.OtherFolderID, a.OtherFolderID)
	if cfg.ExpiredToken.IsZero() {
		cfg.ExpiredToken = config.NewSecret(a.ExpiredToken)
	}
	cfg.WebHost.Address, cfg.WebHost.Certificate, cfg.WebHost.Key = a.WebAddress, a.WebCertificate, a.WebKey
	declared := map[string]config.Duration{}
	for method, text := range a.Latencies {
		latency, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("reading the mock's latency of %s: %w", method, err)
		}
		declared[method] = config.Duration(latency)
	}
	for method, usual := range cfg.Usual {
		declared[method] = usual
	}
	cfg.Usual = declared
	return useMock(a)
}

// useMock lets this process and its children trust the mock and find its hosts
// under their real names. Go reads these variables when it verifies a certificate or
// looks for a proxy the first time, which is not before this, and asks no proxy for
// addresses of this machine.
func useMock(a mockcloud.Announcement) error {
	host, _, err := net.SplitHostPort(a.Endpoint)
	return errors.Join(err, os.Setenv("SSL_CERT_FILE", a.CABundle), os.Setenv("HTTPS_PROXY", a.Proxy), os.Setenv("NO_PROXY", host))
}

// mockResource is a row of the mock's inventory.
type mockResource struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// inventory asks the mock for everything that users made in it, the roles that
// they granted included. The id of a binding is that of provision's lists.
func (m *mockProcess) inventory(ctx context.Context) ([]mockResource, error) {
	var listed struct {
		Resources []mockResource `json:"resources"`
		Bindings  []struct {
			Resource string `json:"resource"`
			Binding  struct {
				Role    string `json:"role"`
				Subject struct {
					ID string `json:"id"`
				} `json:"subject"`
			} `json:"binding"`
		} `json:"bindings"`
	}
	if err := m.admin(ctx, http.MethodGet, "/inventory", nil, &listed); err != nil {
		return nil, fmt.Errorf("asking the mock for its inventory: %w", err)
	}
	for _, b := range listed.Bindings {
		listed.Resources = append(listed.Resources, mockResource{
			Type: provision.KindAccessBinding, ID: b.Binding.Role + ":" + b.Binding.Subject.ID, Name: "on " + b.Resource,
		})
	}
	return listed.Resources, nil
}

// addFolder makes a folder in the mock, in which its user has what a run needs.
func (m *mockProcess) addFolder(ctx context.Context, name string) (id string, err error) {
	var made struct {
		ID string `json:"id"`
	}
	if err := m.admin(ctx, http.MethodPost, "/folders", map[string]string{"name": name}, &made); err != nil {
		return "", fmt.Errorf("making the folder %s in the mock: %w", name, err)
	}
	return made.ID, nil
}

// setBugs lets these bugs, and no others, act in a folder of the mock.
func (m *mockProcess) setBugs(ctx context.Context, folder string, names ...string) error {
	patch := map[string]any{"bugs": map[string][]string{folder: names}}
	if err := m.admin(ctx, http.MethodPatch, "/settings", patch, nil); err != nil {
		return fmt.Errorf("letting the bugs %q act in folder %s: %w", names, folder, err)
	}
	return nil
}

// setFaults replaces the mock's faults by a list in JSON.
func (m *mockProcess) setFaults(ctx context.Context, list string) error {
	if err := m.admin(ctx, http.MethodPost, "/faults", json.RawMessage(list), nil); err != nil {
		return fmt.Errorf("setting the mock's faults %s: %w", list, err)
	}
	return nil
}

// admin makes one request of the mock's admin port; body and answer may be nil.
func (m *mockProcess) admin(ctx context.Context, method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, m.announced.Admin+path, sent)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+m.announced.AdminToken)
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	switch {
	case err != nil:
		return err
	case got.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("it answered %s: %s", got.Status, bytes.TrimSpace(raw))
	case answer == nil:
		return nil
	}
	return json.Unmarshal(raw, answer)
}

// stopBudget bounds how long a mock may take to end its clusters.
const stopBudget = 90 * time.Second

// stop ends the mock and removes its folder.
func (m *mockProcess) stop(ctx context.Context) error {
	_ = m.process.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, stopBudget)
	defer cancel()
	var err error
	select {
	case <-m.ended:
	case <-ctx.Done():
		err = fmt.Errorf("the mock (process %d) did not end within %s and was killed", m.process.Pid, stopBudget)
		_ = m.process.Kill()
		<-m.ended
	}
	return errors.Join(err, m.clear(context.WithoutCancel(ctx)))
}

// clear removes what a mock that has ended, however that happened, had on this
// machine. While containers cannot be removed, its folder stays as a reminder.
func (m *mockProcess) clear(ctx context.Context) error {
	if err := removeContainers(ctx, m.containers); err != nil {
		return err
	}
	return m.removeDir()
}

func (m *mockProcess) removeDir() error {
	if err := os.RemoveAll(m.dir); err != nil {
		return fmt.Errorf("removing the mock's folder: %w", err)
	}
	_ = m.launcher.Close() // another process's mock has none here
	return nil
}
