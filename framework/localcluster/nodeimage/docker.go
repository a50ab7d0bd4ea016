package nodeimage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/buildcache"
)

// docker runs Docker's command line and returns what it printed, trimmed.
func docker(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...) //nolint:gosec // G204: the docker command, with arguments of our own
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	// What it reads may come from a writer that has failed.
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("docker %s: %w", args[0], context.Cause(ctx))
		}
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, buildcache.LastLines(stderr.String(), 4))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// answers says what to do when there is no Docker.
func answers(ctx context.Context) error {
	if _, err := exec.LookPath("docker"); err != nil {
		return errors.New("there is no docker in PATH: install Docker, or as root on Debian run `make docker`")
	}
	if _, err := docker(ctx, nil, "version", "--format", "{{.Server.Version}}"); err != nil {
		return fmt.Errorf("no Docker daemon answers: start Docker, or as root on Debian run `make docker`: %w", err)
	}
	return nil
}

// labels are those of an image. ok is false if Docker has no such image.
func labels(ctx context.Context, reference string) (found map[string]string, ok bool) {
	answer, err := docker(ctx, nil, "image", "inspect", "--format", "{{json .Config.Labels}}", reference)
	if err != nil || json.Unmarshal([]byte(answer), &found) != nil {
		return nil, false
	}
	return found, true
}
