package sandbox

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var testEnv = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}

func needRoot(t *testing.T) {
	t.Helper()
	if err := Check(); err != nil {
		t.Skip(err)
	}
}

// startPause starts a container that waits.
func startPause(t *testing.T, root Root) *Container {
	t.Helper()
	needRoot(t)
	pod, err := NewPod("10.244.0.9")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pod.Close)
	var output bytes.Buffer
	c, err := pod.Start(t.TempDir(), root, Process{Env: testEnv}, &output, &output)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Kill(); <-c.Done() })
	return c
}

// sh runs a script in the container and returns what it printed.
func sh(t *testing.T, c *Container, script string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code, err := c.Exec(t.Context(), Process{Args: []string{"sh", "-c", script}, Env: testEnv}, Streams{Stdout: &out, Stderr: &errs})
	if err != nil || code != 0 {
		t.Fatalf("%s: exit %d, %v\n%s%s", script, code, err, out.String(), errs.String())
	}
	return strings.TrimSpace(out.String())
}

func TestAContainerSeesAMachineOfItsOwn(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CANARY", "of the host")
	hidden, err := os.MkdirTemp("/var/cache", "hidden-")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(hidden) })
	if err := os.WriteFile(filepath.Join(hidden, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := startPause(t, Root{Hostname: "web-0", Hide: []string{hidden}, Files: map[string]File{
		"/etc/hosts": {Content: []byte("127.0.0.1 localhost\n"), Mode: 0o644}}})
	for _, tc := range []struct{ name, script, want string }{
		{"host name", "hostname", "web-0"},
		{"PID 1", "tr '\\0' ' ' < /proc/1/cmdline", pauseName},
		{"a process list of its own", "ls /proc | grep -c '^[0-9]'", "4"},
		{"only loopback", "ls /proc/sys/net/ipv4/conf | tr '\\n' ' '", "all default lo"},
		{"hosts", "cat /etc/hosts", "127.0.0.1 localhost"},
		{"no files of a hidden folder", "ls -A " + hidden, ""},
		{"no home", "ls -A /root /home | tr '\\n' ' '", "/home:  /root:"},
		{"no temporary files", "ls -A /tmp", ""},
		{"no password hashes", "cut -d: -f2 /etc/shadow | sort -u", "*"},
		{"no environment of the host", "env | grep -c CANARY || true", "0"},
		{"nothing of the host mounted", "grep -c '/.host' /proc/self/mounts || true", "0"},
		{"no capability to mount", "mount -t tmpfs x /mnt 2>/dev/null || echo refused", "refused"},
		{"no device nodes", "mknod /tmp/sda b 8 0 2>/dev/null || echo refused", "refused"},
		{"no open files of the host", "ls /proc/self/fd | sort -n | tr '\\n' ' '", "0 1 2 3"},
		{"root in it", "id -u", "0"},
		{"devices", "echo x > /dev/null && head -c 3 /dev/zero | wc -c && test -c /dev/pts/ptmx && echo ok", "3\nok"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := sh(t, c, tc.script); got != tc.want {
				t.Errorf("%s: %q, want %q", tc.script, got, tc.want)
			}
		})
	}
	if _, err := os.Stat(secret); err != nil {
		t.Fatal(err)
	}
	if got := sh(t, c, "test -e "+secret+" || echo absent"); got != "absent" {
		t.Error("a file of the host's is there")
	}
}

func TestWritesStayInTheContainer(t *testing.T) {
	c := startPause(t, Root{Hostname: "p"})
	sh(t, c, "echo changed > /etc/passwd && echo x > /usr/bin/added-by-a-test && rm -f /usr/bin/env")
	if raw, err := os.ReadFile("/etc/passwd"); err != nil || bytes.HasPrefix(raw, []byte("changed")) {
		t.Errorf("the host's /etc/passwd is now %q (%v)", raw, err)
	}
	if _, err := os.Stat("/usr/bin/added-by-a-test"); !os.IsNotExist(err) {
		t.Errorf("the host has the container's file: %v", err)
	}
	if _, err := os.Stat("/usr/bin/env"); err != nil {
		t.Errorf("the host lost a file: %v", err)
	}
}

func TestVolumesAreShared(t *testing.T) {
	volume := t.TempDir()
	if err := os.WriteFile(filepath.Join(volume, "f"), []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := startPause(t, Root{Hostname: "p", Mounts: []Mount{
		{Source: volume, Target: "/var/run/secrets/ro", ReadOnly: true}, {Source: volume, Target: "/data"}}})
	if got := sh(t, c, "cat /var/run/secrets/ro/f; touch /var/run/secrets/ro/g 2>/dev/null || echo ' refused'"); got != "one refused" {
		t.Errorf("the read-only mount: %q", got)
	}
	if err := os.WriteFile(filepath.Join(volume, "f"), []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := sh(t, c, "cat /data/f"); got != "two" {
		t.Errorf("a later change is not seen: %q", got)
	}
}

func TestExitCodes(t *testing.T) {
	needRoot(t)
	pod, err := NewPod()
	if err != nil {
		t.Fatal(err)
	}
	defer pod.Close()
	for _, tc := range []struct {
		script string
		want   int
	}{{"exit 0", 0}, {"exit 7", 7}, {"kill -9 $$ ; true", 0}, {"exec sh -c 'sleep 0; exit 3'", 3}} {
		c, err := pod.Start(t.TempDir(), Root{Hostname: "p"}, Process{Args: []string{"sh", "-c", tc.script}, Env: testEnv}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		if got := c.ExitCode(); got != tc.want {
			t.Errorf("%s: exit code %d, want %d", tc.script, got, tc.want)
		}
	}
	if _, err := pod.Start(t.TempDir(), Root{}, Process{Args: []string{"no-such-program"}, Env: testEnv}, nil, nil); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("a program that does not exist: %v", err)
	}
}

func TestTerminal(t *testing.T) {
	c := startPause(t, Root{Hostname: "p"})
	resize := make(chan WindowSize, 1)
	resize <- WindowSize{Width: 77, Height: 33}
	close(resize)
	var out bytes.Buffer
	code, err := c.Exec(t.Context(), Process{Args: []string{"sh", "-c", "tty; read line; stty size; echo got $line; exit 5"}, Env: testEnv},
		Streams{Stdin: strings.NewReader("hello\n"), Stdout: &out, TTY: true, Resize: resize})
	if err != nil || code != 5 {
		t.Errorf("exit %d, %v", code, err)
	}
	for _, want := range []string{"/dev/pts/0", "33 77", "got hello"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output %q lacks %q", out.String(), want)
		}
	}
}

func TestListenersInsideAreServedFromOutside(t *testing.T) {
	needRoot(t)
	pod, err := NewPod("10.96.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer pod.Close()
	l, err := pod.Listen("10.96.0.1:443")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("hello from outside\n"))
			_ = conn.Close()
		}
	}()
	var out bytes.Buffer
	c, err := pod.Start(t.TempDir(), Root{Hostname: "p"}, Process{Args: []string{"bash", "-c", "cat < /dev/tcp/10.96.0.1/443"}, Env: testEnv}, &out, &out)
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if got := out.String(); got != "hello from outside\n" {
		t.Errorf("the container read %q", got)
	}
	// Nothing of the host's network is there: not even its loopback.
	host, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	_, port, _ := net.SplitHostPort(host.Addr().String())
	c, err = pod.Start(t.TempDir(), Root{Hostname: "p"}, Process{Args: []string{"bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/" + port}, Env: testEnv}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if c.ExitCode() == 0 {
		t.Error("a container reached a port of the host's")
	}
}

func TestClosingAPodEndsItsProcesses(t *testing.T) {
	needRoot(t)
	pod, err := NewPod()
	if err != nil {
		t.Fatal(err)
	}
	c, err := pod.Start(t.TempDir(), Root{Hostname: "p"}, Process{Args: []string{"sh", "-c", "trap '' TERM; while :; do sleep 1000; done"}, Env: testEnv}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	pod.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case <-c.Done():
	case <-ctx.Done():
		t.Fatal("the container outlived its pod")
	}
	if got := c.ExitCode(); got != 137 {
		t.Errorf("exit code %d, want 137", got)
	}
	if _, err := pod.Listen("127.0.0.1:0"); err == nil {
		t.Error("a closed pod listens")
	}
}
