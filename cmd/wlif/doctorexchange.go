package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
	"github.com/wlif-conformance/wlif-conformance/framework/trust"
)

// exchangeFlags are the words of `wlif doctor exchange` beside the configuration's.
type exchangeFlags struct {
	federation, account, tokenFile, secret string
}

func newDoctorExchangeCommand() *cobra.Command {
	var f exchangeFlags
	cmd := &cobra.Command{
		Use:   "exchange --federation ID --service-account ID --token-file PATH",
		Short: "Say why a token of yours is not exchanged for an IAM token",
		Long: `Say why a token of yours is not exchanged for an IAM token.

The federation, the federated credentials of the service account and the keys of
the issuer are read and set beside the token's claims; then the exchange is tried.
The token is shown to the token endpoint only, and never printed. With --secret
the payload of a Lockbox secret is read with the IAM token too, and not printed.

In a pod: kubectl exec POD -- cat /var/run/secrets/tokens/TOKEN > token

Exit codes: 0 the token is exchanged; 1 it is refused; 2 wrong usage; 3 the cloud
could not be asked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctorExchange(cmd.Context(), f, cmd.Flags(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.federation, "federation", "", "id of the workload identity federation")
	flags.StringVar(&f.account, "service-account", "", "id of the IAM service account")
	flags.StringVar(&f.tokenFile, "token-file", "", "path of a file with the external token (JWT)")
	flags.StringVar(&f.secret, "secret", "", "id of a Lockbox secret that the service account should be able to read")
	for _, required := range []string{"federation", "service-account", "token-file"} {
		_ = cmd.MarkFlagRequired(required) // it exists
	}
	config.AddFlags(flags)
	flags.SortFlags = false
	return cmd
}

// diagnosis is one run of the command.
type diagnosis struct {
	exchangeFlags
	cfg      *config.Config
	client   *cloud.Client
	question trust.Question
	token    exchange.Token
	out      io.Writer
}

func runDoctorExchange(ctx context.Context, f exchangeFlags, flags *pflag.FlagSet, out io.Writer) error {
	cfg, err := config.LoadAccess(flags, os.Environ())
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(f.tokenFile)
	if err != nil {
		return usageError(fmt.Errorf("--token-file: %w", err))
	}
	token := strings.TrimSpace(string(raw))
	var redactor redact.Redactor
	if err := redactor.Register("subject token", token); err != nil {
		return usageError(fmt.Errorf("--token-file %s holds no token: %w", f.tokenFile, err))
	}
	client, err := connect(ctx, cfg, "")
	if err != nil {
		return err
	}
	defer func() { _ = client.Close(ctx) }() // nothing depends on it any more
	redacted := redactor.Writer(out)
	d := &diagnosis{
		exchangeFlags: f, cfg: cfg, client: client, token: exchange.Token(token), out: redacted,
		question: trust.Question{Cloud: client, FederationID: f.federation, ServiceAccountID: f.account},
	}
	return errors.Join(d.run(ctx), redacted.Close())
}

func (d *diagnosis) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format+"\n", args...) // Close of the writer tells
}

func (d *diagnosis) run(ctx context.Context) error {
	if _, err := exchange.ReadClaims(d.token); err != nil {
		d.say("The token in %s cannot be exchanged: %v.", d.tokenFile, err)
		return finished(report.ExitFailed)
	}
	explained, blind := d.explain(ctx)
	if blind != nil && explainedByUsage(blind) {
		return blind
	}
	if blind == nil {
		d.say("%s", explained.Table())
	}
	response, err := d.exchange(ctx)
	var refused *exchange.Refusal
	switch {
	case err == nil:
		d.say("The exchange works: the IAM token lives for %s.", response.ExpiresIn)
		if first, ok := explained.First(); ok && blind == nil {
			d.say("It works although %s. What the cloud has seen before may be good for a while.", first.Text)
		}
		return d.read(ctx, response.AccessToken)
	case !errors.As(err, &refused):
		return fmt.Errorf("trying the exchange: %w", err)
	}
	d.say("%v", refused)
	if blind != nil {
		return fmt.Errorf("why it was refused cannot be said: %w", blind)
	}
	d.point(explained)
	return finished(report.ExitFailed)
}

// explainedByUsage says whether an error is the user's to mend.
func explainedByUsage(err error) bool { return explain(err, io.Discard) == report.ExitUsage }

func (d *diagnosis) explain(ctx context.Context) (exchange.Explanation, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeouts.Call.D())
	defer cancel()
	explained, err := d.question.Explain(ctx, d.token, time.Now())
	return explained, unknownIsUsage(err)
}

// unknownIsUsage marks ids that the cloud does not know. A right to look that is
// missing is no wrong usage: the exchange may work all the same.
func unknownIsUsage(err error) error {
	switch cloud.ClassOf(err) {
	case cloud.ClassNotFound, cloud.ClassInvalid:
		return usageError(err)
	}
	return err
}

func (d *diagnosis) exchange(ctx context.Context) (exchange.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeouts.Exchange.D())
	defer cancel()
	client := exchange.Client{Endpoint: d.cfg.TokenEndpoint}
	return client.Exchange(ctx, exchange.Form(d.token, d.account))
}

// point names what differs, the first thing first.
func (d *diagnosis) point(e exchange.Explanation) {
	first, ok := e.First()
	if !ok {
		d.say("Nothing that can be seen from here differs; a link or a change of a moment ago may not be in force yet.")
		return
	}
	d.say("First difference: %s: %s.\nWhat to do: %s", first.Name, first.Text, first.Remedy)
	for _, also := range e.Differences[1:] {
		d.say("Also: %s: %s.\nWhat to do: %s", also.Name, also.Text, also.Remedy)
	}
}

// read tries the secret with the IAM token.
func (d *diagnosis) read(ctx context.Context, token exchange.Token) error {
	if d.secret == "" {
		return nil
	}
	asAccount, err := cloud.Connect(ctx, cloud.Options{
		Endpoint: d.cfg.Endpoint, Credentials: config.Credentials{IAMToken: config.NewSecret(token.Reveal())}, CallTimeout: d.cfg.Timeouts.Call.D(),
	})
	if err != nil {
		return fmt.Errorf("connecting as the service account: %w", err)
	}
	defer func() { _ = asAccount.Close(ctx) }() // nothing depends on it any more
	_, err = asAccount.Payloads().Get(ctx, &lockbox.GetPayloadRequest{SecretId: d.secret})
	if err == nil {
		d.say("The service account reads the secret %s.", d.secret)
		return nil
	}
	err = cloud.While(err, "reading the payload of the secret "+d.secret)
	switch cloud.ClassOf(err) {
	case cloud.ClassPermission:
		d.say("%v", err)
		why, err := d.question.ExplainPayload(ctx, d.secret)
		if err != nil {
			return fmt.Errorf("why it was refused cannot be said: %w", unknownIsUsage(err))
		}
		d.say("First difference: %s: %s.\nWhat to do: %s", why.Name, why.Text, why.Remedy)
		return finished(report.ExitFailed)
	case cloud.ClassTransport, cloud.ClassRetryable, cloud.ClassQuota:
		return err
	case cloud.ClassNotFound, cloud.ClassInvalid:
		return usageError(err)
	}
	d.say("%v", err)
	return finished(report.ExitFailed)
}
