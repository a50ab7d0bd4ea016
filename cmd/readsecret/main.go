// Command readsecret reads a secret of the real cloud as a Go program in a pod does: with
// the credential of framework/exchange, which exchanges the pod's projected token, in the
// Go SDK or in an HTTP client of golang.org/x/oauth2. The suite runs it in pods, and it is
// an example for applications. It prints the keys of the secret and none of its values.
//
// It ends with 0 if the secret was read, 1 if the cloud refused, 2 for wrong usage and 3 if
// nobody answered.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"golang.org/x/oauth2"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/payload"
)

// How it ends.
const (
	exitRefused    = 1
	exitUsage      = 2
	exitUnanswered = 3
)

// payloads is the real cloud's payload endpoint.
const payloads = "https://payload.lockbox.api.cloud.yandex.net"

// readers are the clients; each gives the keys of a secret's entries.
var readers = map[string]func(ctx context.Context, credential *exchange.Credential, secretID string) ([]string, error){
	"go-sdk": bySDK,
	"oauth2": byHTTP,
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) //nolint:forbidigo // the root of a program
	defer cancel()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr)) //nolint:gocritic // the process ends, and the timer with it
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	credential := &exchange.Credential{}
	flags := flag.NewFlagSet("readsecret", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&credential.ServiceAccountID, "service-account", "", "`id` of the IAM service account that the pod acts as")
	flags.StringVar(&credential.TokenFile, "token-file", "", "`file` with the pod's projected token")
	client := flags.String("client", "go-sdk", "go-sdk or oauth2")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	read := readers[*client]
	if read == nil || flags.NArg() != 1 || credential.ServiceAccountID == "" || credential.TokenFile == "" {
		_, _ = fmt.Fprintln(stderr, "usage: readsecret -client=go-sdk|oauth2 -service-account=ID -token-file=FILE SECRET_ID")
		return exitUsage
	}
	var keys []string
	// What a client makes of a failed exchange does not tell whose fault it is.
	_, err := credential.IAMToken(ctx)
	if err == nil {
		keys, err = read(ctx, credential, flags.Arg(0))
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "reading the secret %s with %s: %v\n", flags.Arg(0), *client, err)
		return codeOf(err)
	}
	for _, key := range keys {
		_, _ = fmt.Fprintln(stdout, key)
	}
	return 0
}

// codeOf tells what nobody answered, or a server out of order, from a refusal. Package
// check tells the same of the suite's own calls, and would bring Ginkgo into every pod.
func codeOf(err error) int {
	var (
		refused   *exchange.Refusal
		answered  *cloud.Error
		transport *exchange.TransportError
		server    *exchange.ServerError
		page      *exchange.PageError
	)
	switch {
	case errors.As(err, &refused): // also within the failure of a call that needed the token
		return exitRefused
	case errors.As(err, &transport), errors.As(err, &server), errors.As(err, &page):
		return exitUnanswered
	case errors.As(err, &answered):
		switch answered.Class {
		case cloud.ClassTransport, cloud.ClassRetryable, cloud.ClassQuota:
			return exitUnanswered
		}
	}
	return exitRefused
}

func bySDK(ctx context.Context, credential *exchange.Credential, secretID string) ([]string, error) {
	client, err := cloud.Connect(ctx, cloud.Options{Own: credential})
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close(ctx) }() // the program ends
	got, err := client.Payloads().Get(ctx, &lockbox.GetPayloadRequest{SecretId: secretID})
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, e := range got.GetEntries() {
		keys = append(keys, e.GetKey())
	}
	return keys, nil
}

func byHTTP(ctx context.Context, credential *exchange.Credential, secretID string) ([]string, error) {
	client := payload.Client{Endpoint: payloads, HTTP: oauth2.NewClient(ctx, credential.TokenSource(ctx))}
	got, err := client.Get(ctx, payload.Request{SecretID: secretID})
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, e := range got.Entries {
		keys = append(keys, e.Key)
	}
	return keys, nil
}
