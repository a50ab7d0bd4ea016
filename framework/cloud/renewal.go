package cloud

import (
	"context"
	"sync"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// renewal is a token that replaces the SDK's: that keeps its own until the end that
// it was told, whatever the cloud says of it meanwhile.
type renewal struct {
	mu    sync.Mutex
	token config.Secret
}

func (r *renewal) get() config.Secret {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.token
}

// renew gets another token after the cloud refused one: it has expired by the cloud's
// clock, or was revoked. refused is what was in use when the refused call began. False
// if there is no other: a token that was given as such is the only one.
func (c *Client) renew(ctx context.Context, refused config.Secret) bool {
	r := c.renewal
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.token.Reveal() != refused.Reveal() {
		return true // somebody else was quicker
	}
	t, err := c.sdk.CreateIAMToken(ctx)
	if err != nil {
		return false // the refusal says more
	}
	c.tokenMu.Lock()
	defer c.tokenMu.Unlock()
	former := c.token.Value
	if !refused.IsZero() {
		former = refused
	}
	if t.GetIamToken() == former.Reveal() {
		return false
	}
	r.token = config.NewSecret(t.GetIamToken())
	c.token = Token{Value: r.token, ExpiresAt: t.GetExpiresAt()}
	return true
}
