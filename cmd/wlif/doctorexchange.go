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
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/diagnose"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
	"github.com/wlif-conformance/wlif-conformance/framework/trust"
)

// exchangeFlags are the words of `wlif doctor exchange` beside the configuration's.
type exchangeFlags struct {
	federation, account, tokenFile, secret string
	// workload is NAMESPACE/NAME of a Kubernetes service account, in place of a file.
	workload string
	byHand   bool
}

func newDoctorExchangeCommand() *cobra.Command {
	var f exchangeFlags
	cmd := &cobra.Command{
		Use:   "exchange --service-account ID {--token-file PATH | --workload NAMESPACE/NAME}",
		Short: "Say why a token of yours is not exchanged for an IAM token",
		Long: `Say why a token of yours is not exchanged for an IAM token.

The federation, the federated credentials of the service account and the keys of
the issuer are read and set beside the token's claims; then the exchange is tried.
The token is shown to the token endpoint only, and never printed. With --secret
the payload of a Lockbox secret is read with the IAM token too, and not printed.

In a pod: kubectl exec POD -- cat /var/run/secrets/tokens/TOKEN > token

With --workload the token is one of a Kubernetes service account that is requested
from the API server, which --cluster-id or --kubeconfig (or both) names; the cluster,
its node groups and the account's annotation are looked at, too. --by-hand leaves out
what only tokens of the metadata server need.

Exit codes: 0 the token is exchanged, and nothing is wrong; 1 it is refused, or
something is; 2 wrong usage; 3 the cloud could not be asked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctorExchange(cmd.Context(), f, cmd.Flags(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.federation, "federation", "", "id of the workload identity federation (default: the one that the service account was linked to first)")
	flags.StringVar(&f.account, "service-account", "", "id of the IAM service account")
	flags.StringVar(&f.tokenFile, "token-file", "", "path of a file with the external token (JWT)")
	flags.StringVar(&f.secret, "secret", "", "id of a Lockbox secret that the service account should be able to read")
	flags.StringVar(&f.workload, "workload", "", "NAMESPACE/NAME of a Kubernetes service account whose token is tried")
	flags.BoolVar(&f.byHand, "by-hand", false, "pods exchange their tokens themselves: node groups and annotation do not matter")
	_ = cmd.MarkFlagRequired("service-account") // it exists
	cmd.MarkFlagsOneRequired("token-file", "workload")
	cmd.MarkFlagsMutuallyExclusive("token-file", "workload")
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
	// wrong: the cluster or the Kubernetes service account has a mistake.
	wrong bool
}

func runDoctorExchange(ctx context.Context, f exchangeFlags, flags *pflag.FlagSet, out io.Writer) error {
	cfg, err := config.LoadAccess(flags, os.Environ())
	if err != nil {
		return err
	}
	d := &diagnosis{exchangeFlags: f, cfg: cfg}
	if f.tokenFile != "" {
		raw, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return usageError(fmt.Errorf("--token-file: %w", err))
		}
		d.token = exchange.Token(strings.TrimSpace(string(raw)))
		if why := noSubjectToken(d.token.Reveal()); why != "" {
			_, err := fmt.Fprintf(out, "The token in %s cannot be exchanged: %s\n", f.tokenFile, why)
			return errors.Join(err, finished(report.ExitFailed))
		}
	}
	if d.client, err = connect(ctx, cfg, ""); err != nil {
		return err
	}
	defer func() { _ = d.client.Close(ctx) }() // nothing depends on it any more
	d.question = trust.Question{Cloud: d.client, FederationID: f.federation, ServiceAccountID: f.account}
	if f.workload != "" {
		if err := d.lookAtWorkload(ctx, out); err != nil {
			return err
		}
	}
	var redactor redact.Redactor
	if err := redactor.Register("subject token", d.token.Reveal()); err != nil {
		return usageError(fmt.Errorf("--token-file %s holds no token: %w", f.tokenFile, err))
	}
	redacted := redactor.Writer(out)
	d.out = redacted
	return errors.Join(d.run(ctx), redacted.Close())
}

// noSubjectToken says what else than a subject token a text is. It quotes nothing
// that could be a secret.
func noSubjectToken(text string) string {
	switch {
	case text == "":
		return "it is empty.\nWhat to do: see that the pod has the projected volume, and read its file again."
	case text == "null":
		return "it is the word null: jq -r .access_token prints it when an answer has no such field, because it is an error.\n" +
			"What to do: look at the answer itself (.error, .error_description), and let curl fail on errors (--fail-with-body); then give the Kubernetes token here."
	case strings.HasPrefix(text, "t1."):
		return "it is an IAM token, which is what comes out.\nWhat to do: give the Kubernetes token that goes in: a projected one, or that of `kubectl create token`."
	}
	return ""
}

func (d *diagnosis) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format+"\n", args...) // Close of the writer tells
}

func (d *diagnosis) run(ctx context.Context) error {
	if _, err := exchange.ReadClaims(d.token); err != nil {
		d.say("The token in %s cannot be exchanged: %v.\nWhat to do: give the token as the pod's file has it: three parts with dots between.", d.tokenFile, err)
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
		if err := d.read(ctx, response.AccessToken); err != nil || !d.wrong {
			return err
		}
		return finished(report.ExitFailed)
	case !errors.As(err, &refused):
		return fmt.Errorf("trying the exchange: %w", err)
	}
	d.say("%v", refused)
	if blind != nil {
		return fmt.Errorf("why it was refused cannot be said: %w", blind)
	}
	d.point(explained)
	if !explained.Linked() {
		d.pointAtPolicies(ctx)
	}
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

// pointAtPolicies says whether the link that is missing is forbidden.
func (d *diagnosis) pointAtPolicies(ctx context.Context) {
	account, err := d.client.ServiceAccounts().Get(ctx, &iam.GetServiceAccountRequest{ServiceAccountId: d.account})
	if err != nil {
		return // it was read a moment ago
	}
	folder, err := d.client.Folders().Get(ctx, &resourcemanager.GetFolderRequest{FolderId: account.GetFolderId()})
	if err != nil {
		return // whoever may not see the folder sees no policy either
	}
	for _, f := range diagnose.ReadPolicies(ctx, d.client, folder.GetId(), folder.GetCloudId()).Findings() {
		if f.Name != "" {
			d.say("Also: %s.\nWhat to do: %s", f.Text, f.Remedy)
		}
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
	case cloud.ClassPermission, cloud.ClassPermanent:
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
