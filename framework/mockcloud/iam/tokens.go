package iam

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"time"

	// go-jose is the verifying side of the wire everywhere in the mock; our own
	// clients sign and check with another library.
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// grantAudience is the `aud` of a JWT that an authorized key signs
// (docs: "Getting an IAM token for a service account").
const grantAudience = "https://iam.api.cloud.yandex.net/iam/v1/tokens"

type tokenServer struct {
	iam.UnimplementedIamTokenServiceServer
	*IAM
}

func (s *IAM) tokenService() kernel.Service {
	return kernel.Service{Desc: &iam.IamTokenService_ServiceDesc, Impl: &tokenServer{IAM: s}, Rules: map[string]kernel.Rule{
		"Create":                  kernel.Public(),
		"CreateForServiceAccount": kernel.Needs("iam.tokens.create", KindServiceAccount, "service_account_id"),
		"Revoke":                  kernel.AnyCaller(),
	}}
}

// Create exchanges an OAuth token of a user or a JWT of an authorized key.
func (s *tokenServer) Create(_ context.Context, req *iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
	var subject access.Subject
	switch id := req.Identity.(type) {
	case *iam.CreateIamTokenRequest_YandexPassportOauthToken:
		user, ok := s.oauth.Get(id.YandexPassportOauthToken)
		if !ok {
			return nil, kernel.Errorf(codes.Unauthenticated, "OAuth token is invalid or expired")
		}
		subject = access.Subject{Type: access.UserAccount, ID: user}
	case *iam.CreateIamTokenRequest_Jwt:
		account, err := s.accountOf(id.Jwt)
		if err != nil {
			return nil, err
		}
		subject = access.Subject{Type: access.ServiceAccount, ID: account}
	default:
		return nil, kernel.Errorf(codes.InvalidArgument, "Validation failed:\n  - identity: One of the options must be selected")
	}
	if why := s.inactive(subject); why != "" {
		return nil, kernel.Errorf(codes.Unauthenticated, "The account is %s", why)
	}
	token, expires := s.MintFor(subject)
	return &iam.CreateIamTokenResponse{IamToken: token, ExpiresAt: timestamppb.New(expires)}, nil
}

// accountOf verifies a JWT that an authorized key of a service account signed.
func (s *tokenServer) accountOf(raw string) (string, error) {
	refused := func(err error) error {
		return kernel.Errorf(codes.Unauthenticated, "JWT is not accepted: %v", err)
	}
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.PS256})
	if err != nil {
		return "", refused(errors.New("it is not a JWT signed with PS256"))
	}
	kid := parsed.Headers[0].KeyID
	key, ok := s.keys.Get(kid)
	if !ok {
		return "", kernel.Errorf(codes.Unauthenticated, "Key '%s' was not found", kid)
	}
	public, err := publicKey(key.PublicKey)
	if err != nil {
		return "", refused(err)
	}
	var claims jwt.Claims
	if err := parsed.Claims(public, &claims); err != nil {
		return "", refused(errors.New("the signature does not verify"))
	}
	now := s.k.Clock.Now()
	switch {
	case claims.Issuer != key.GetServiceAccountId():
		return "", refused(errors.New("iss is not the key's service account"))
	case !slices.Contains(claims.Audience, grantAudience):
		return "", refused(errors.New("aud is not " + grantAudience))
	case claims.Expiry == nil || claims.IssuedAt == nil || !now.Before(claims.Expiry.Time()):
		return "", refused(errors.New("it has expired"))
	case claims.Expiry.Time().Sub(claims.IssuedAt.Time()) > time.Hour:
		return "", refused(errors.New("it lives longer than an hour"))
	}
	_, _, _ = s.keys.Modify(kid, func(k *iam.Key) error { k.LastUsedAt = s.now(); return nil })
	return key.GetServiceAccountId(), nil
}

func publicKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the stored key is not PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the stored key is not RSA")
	}
	return public, nil
}

// CreateForServiceAccount mints a token for another account.
func (s *tokenServer) CreateForServiceAccount(_ context.Context, req *iam.CreateIamTokenForServiceAccountRequest) (*iam.CreateIamTokenResponse, error) {
	subject := access.Subject{Type: access.ServiceAccount, ID: req.ServiceAccountId}
	if why := s.inactive(subject); why != "" {
		return nil, kernel.Errorf(codes.FailedPrecondition, "Service account %s is %s", req.ServiceAccountId, why)
	}
	token, expires := s.MintFor(subject)
	return &iam.CreateIamTokenResponse{IamToken: token, ExpiresAt: timestamppb.New(expires)}, nil
}

// Revoke ends a token; whoever holds it may.
func (s *tokenServer) Revoke(_ context.Context, req *iam.RevokeIamTokenRequest) (*iam.RevokeIamTokenResponse, error) {
	subject, err := s.k.Tokens.Revoke(req.IamToken, s.k.Clock.Now())
	if err != nil {
		return nil, kernel.Errorf(codes.InvalidArgument, "%v", err)
	}
	return &iam.RevokeIamTokenResponse{SubjectId: subject.ID}, nil
}
