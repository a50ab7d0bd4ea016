package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

func TestWrongUsage(t *testing.T) {
	for name, args := range map[string][]string{
		"nothing":      nil,
		"no secret":    {"-service-account=aje1", "-token-file=f"},
		"no account":   {"-token-file=f", "e6q1"},
		"no token":     {"-service-account=aje1", "e6q1"},
		"other client": {"-client=curl", "-service-account=aje1", "-token-file=f", "e6q1"},
		"unknown flag": {"-secret=e6q1"},
		"two secrets":  {"-service-account=aje1", "-token-file=f", "e6q1", "e6q2"},
	} {
		var out, said bytes.Buffer
		if code := run(t.Context(), args, &out, &said); code != exitUsage || out.Len() > 0 || !strings.Contains(strings.ToLower(said.String()), "usage") {
			t.Errorf("%s: code %d, %s", name, code, said.String())
		}
	}
}

// A token that is not there is nobody's answer, but the pod's own state: as a refusal
// it makes a check fail.
func TestNoTokenInTheFile(t *testing.T) {
	for client := range readers {
		var out, said bytes.Buffer
		file := filepath.Join(t.TempDir(), "none")
		code := run(t.Context(), []string{"-client=" + client, "-service-account=aje1", "-token-file=" + file, "e6q1"}, &out, &said)
		if !strings.Contains(said.String(), file) || !strings.Contains(said.String(), client) || code != exitRefused {
			t.Errorf("%s: code %d, %s", client, code, said.String())
		}
	}
}

func TestCodes(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{&exchange.Refusal{}, exitRefused},
		{cloud.NewError("m", codes.Unavailable, "no answer", "", &exchange.Refusal{}), exitRefused},
		{cloud.NewError("m", codes.Unavailable, "no answer", "", errors.New("reset")), exitUnanswered},
		{cloud.NewError("m", codes.PermissionDenied, "denied", "", nil), exitRefused},
		{cloud.NewError("m", codes.Unauthenticated, "who", "", nil), exitRefused},
		{cloud.NewError("m", codes.ResourceExhausted, "slowly", "", nil), exitUnanswered},
		{&exchange.TransportError{Endpoint: "e", Err: errors.New("reset")}, exitUnanswered},
		{&exchange.ServerError{Status: 502}, exitUnanswered},
		{fmt.Errorf("reading: %w", &exchange.PageError{}), exitUnanswered},
		{errors.New("expires_in is not there"), exitRefused},
	} {
		if got := codeOf(tc.err); got != tc.want {
			t.Errorf("%v: %d, want %d", tc.err, got, tc.want)
		}
	}
}
