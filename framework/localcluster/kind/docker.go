package kind

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeimage"
)

// Host is what of this machine and its Docker decides how nodes are set up.
type Host struct {
	// Version is that of Docker's daemon.
	Version string
	// CgroupV1 is the old hierarchy, which a kubelet has to be told to accept.
	CgroupV1 bool
	// NoResourceCapability is set where not even root has CAP_SYS_RESOURCE: a kubelet
	// there may not change the limits that it sets elsewhere.
	NoResourceCapability bool
}

// Facts says it in words, for reports.
func (h Host) Facts() []string {
	facts := []string{"Docker " + h.Version}
	if h.CgroupV1 {
		facts = append(facts, "cgroup v1: the kubelets are told to accept it")
	}
	if h.NoResourceCapability {
		facts = append(facts, "no CAP_SYS_RESOURCE: kubelets and kube-proxy leave the limits of processes alone")
	}
	return facts
}

// NoDockerError says that no Docker answers, and why.
type NoDockerError struct{ Reason error }

// Error says what can be done.
func (e *NoDockerError) Error() string {
	return fmt.Sprintf("kind needs Docker, which does not answer (%v): start it, or on Debian as root `make docker` installs and starts one", e.Reason)
}

// Unwrap gives the reason.
func (e *NoDockerError) Unwrap() error { return e.Reason }

// Docker asks Docker and this machine. The error is a *NoDockerError.
func Docker(ctx context.Context) (Host, error) {
	out, err := docker(ctx, nil, "info", "--format", `{"version":{{json .ServerVersion}},"cgroup":{{json .CgroupVersion}},"errors":{{json .ServerErrors}}}`)
	if err != nil {
		return Host{}, &NoDockerError{Reason: err}
	}
	var info struct {
		Version, Cgroup string
		Errors          []string
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return Host{}, &NoDockerError{Reason: fmt.Errorf("reading `docker info`: %w", err)}
	}
	if len(info.Errors) > 0 || info.Version == "" {
		return Host{}, &NoDockerError{Reason: errors.New(strings.Join(info.Errors, "; "))}
	}
	return Host{Version: info.Version, CgroupV1: info.Cgroup == "1", NoResourceCapability: !nodeimage.MayRaiseLimits()}, nil
}

// HasImage says whether Docker has an image.
func HasImage(ctx context.Context, reference string) bool {
	_, err := docker(ctx, nil, "image", "inspect", reference)
	return err == nil
}

// docker runs the command and returns its standard output; what it said of a
// failure is in the error.
func docker(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "docker", args...) //nolint:gosec // G204: the docker command, with arguments of our own
	var out, said bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = stdin, &out, &said
	if err := command.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("docker %s: %w: %s", args[0], err, tailOf(said.String(), 3))
	}
	return out.Bytes(), nil
}

// lines splits what a command printed; nothing is no line.
func lines(out []byte) []string { return strings.Fields(string(out)) }

// tailOf is the end of what a command printed.
func tailOf(text string, count int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-count):], "\n")
}

// inNode runs a shell script in a node. stdin may be nil.
func inNode(ctx context.Context, node string, stdin io.Reader, script string) ([]byte, error) {
	args := []string{"exec", "--privileged"}
	if stdin != nil {
		args = append(args, "--interactive")
	}
	out, err := docker(ctx, stdin, append(args, node, "sh", "-ec", script)...)
	if err != nil {
		return out, fmt.Errorf("in the node %s: %w", node, err)
	}
	return out, nil
}
