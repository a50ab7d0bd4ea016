package exchange

import (
	"context"

	"golang.org/x/oauth2"
)

// TokenSource is the credential for what takes one of golang.org/x/oauth2, such as its
// HTTP clients (oauth2.NewClient). Sources of the same credential share its IAM token. ctx
// bounds every wait for a token; a source outlives the request that made it, so it is not
// that of a request.
func (c *Credential) TokenSource(ctx context.Context) oauth2.TokenSource {
	return tokenSource{ctx, c}
}

type tokenSource struct {
	ctx        context.Context // oauth2.TokenSource has none for each call
	credential *Credential
}

// Token returns an IAM token. Its Expiry is when the next one should be asked for, as
// ExpiresAt of Credential.IAMToken is.
func (s tokenSource) Token() (*oauth2.Token, error) {
	token, err := s.credential.IAMToken(s.ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: token.Token, TokenType: "Bearer", Expiry: token.ExpiresAt}, nil
}
