package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"golang.org/x/sync/singleflight"
	"k8s.io/utils/clock"
)

// Credential lets a program in a pod call the cloud: it exchanges the token in the
// pod's projected file for an IAM token of a service account. It is a credential of
// github.com/yandex-cloud/go-sdk/v2 (options.WithCredentials).
//
// The file is read at each exchange, because the kubelet replaces the token in it.
// An IAM token is kept until Margin before it expires; whoever asks then gets the
// next one, and all who ask meanwhile wait for the same exchange. If that fails, the
// present token is used for as long as it lives. It is safe for concurrent use and
// must not be copied.
type Credential struct {
	// TokenFile is the path of the projected token.
	TokenFile string
	// ServiceAccountID is the IAM service account that the pod acts as.
	ServiceAccountID string
	// Client makes the exchange; nil talks to the real cloud.
	Client *Client
	// Margin is how long before its end an IAM token is replaced; 0 means DefaultMargin.
	// A token that lives no longer than twice as long is replaced after half its life.
	Margin time.Duration
	// Timeout bounds an exchange; 0 means DefaultTimeout. It does not depend on who
	// asked first: others wait for the same exchange.
	Timeout time.Duration
	// Clock is a test's own; nil is the real one.
	Clock clock.PassiveClock

	present atomic.Pointer[held]
	flight  singleflight.Group
}

// Defaults of a Credential. A token lives for up to twelve hours
// (https://yandex.cloud/en/docs/iam/concepts/authorization/iam-token).
const (
	DefaultMargin  = 5 * time.Minute
	DefaultTimeout = 30 * time.Second
)

// retryAfter is when a renewal that failed is tried again, while the present token
// lives.
const retryAfter = 10 * time.Second

// held is an IAM token with when it is replaced and when it ends.
type held struct {
	token        Token
	renew, until time.Time
}

var _ credentials.NonExchangeableCredentials = (*Credential)(nil)

// YandexCloudAPICredentials marks it as a credential of the SDK.
func (c *Credential) YandexCloudAPICredentials() {}

// Format names the credential and hides what it holds from every verb.
func (c *Credential) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "credential of service account %s from %s", c.ServiceAccountID, c.TokenFile)
}

// IAMToken returns an IAM token. Its ExpiresAt is when the next one should be asked
// for, not when it ends: the SDK keeps a token until that very moment, and a call
// that is on its way then would be refused. The error is that of reading the file or
// of Client.Exchange, or the context's.
func (c *Credential) IAMToken(ctx context.Context) (*credentials.CredentialsToken, error) {
	if h := c.present.Load(); h != nil && c.now().Before(h.renew) {
		return h.shown(), nil
	}
	renewed := c.flight.DoChan("", func() (any, error) { return c.renew(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for an IAM token: %w", context.Cause(ctx))
	case result := <-renewed:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*held).shown(), nil
	}
}

// renew makes an exchange, unless one ended just before.
func (c *Credential) renew(ctx context.Context) (*held, error) {
	former := c.present.Load()
	if former != nil && c.now().Before(former.renew) {
		return former, nil
	}
	fresh, err := c.exchange(ctx)
	if err != nil {
		if now := c.now(); former != nil && now.Before(former.until) {
			kept := *former
			kept.renew = now.Add(min(retryAfter, former.until.Sub(now)))
			c.present.Store(&kept)
			return &kept, nil
		}
		return nil, fmt.Errorf("getting an IAM token of the service account %s: %w", c.ServiceAccountID, err)
	}
	c.present.Store(fresh)
	return fresh, nil
}

func (c *Credential) exchange(ctx context.Context) (*held, error) {
	raw, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("reading the projected token: %w", err)
	}
	subject := Token(strings.TrimSpace(string(raw)))
	if subject == "" {
		return nil, fmt.Errorf("reading the projected token: %s is empty", c.TokenFile)
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, DefaultTimeout))
	defer cancel()
	client := c.Client
	if client == nil {
		client = &Client{}
	}
	asked := c.now()
	answer, err := client.Exchange(ctx, Form(subject, c.ServiceAccountID))
	if err != nil {
		return nil, err
	}
	if answer.ExpiresIn <= 0 {
		return nil, errors.New("the answer does not say how long the IAM token lives (expires_in)")
	}
	// From when it was asked for: the answer was on its way for a while.
	margin := min(cmp.Or(c.Margin, DefaultMargin), answer.ExpiresIn/2)
	until := asked.Add(answer.ExpiresIn)
	return &held{token: answer.AccessToken, renew: until.Add(-margin), until: until}, nil
}

func (h *held) shown() *credentials.CredentialsToken {
	return &credentials.CredentialsToken{Token: h.token.Reveal(), ExpiresAt: h.renew}
}

func (c *Credential) now() time.Time {
	if c.Clock == nil {
		return time.Now()
	}
	return c.Clock.Now()
}
