package kernel

import "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"

// What one service asks of another goes through these interfaces, so that the
// packages of services do not import each other.

// Authenticator finds who holds an IAM token (package gate).
type Authenticator interface {
	Authenticate(token string) (access.Subject, error)
}

// Publisher makes a file readable by everyone at
// https://storage.yandexcloud.net/<bucket>/<key> (package storage). The bucket is
// the cloud's own (mk8s-oidc): it is in no folder and in no inventory.
type Publisher interface {
	Publish(bucket, key, contentType string, body []byte) error
	// Withhold refuses a file that was published to everyone.
	Withhold(bucket, key string) error
	// Unpublish removes a file; one that is not there is no error.
	Unpublish(bucket, key string) error
}

// Cipher encrypts with a symmetric key on behalf of a caller (package kms). The
// caller's right to the key is checked; a key that is gone or disabled is an error.
type Cipher interface {
	Encrypt(caller access.Subject, keyID string, aad, plain []byte) ([]byte, error)
	Decrypt(caller access.Subject, keyID string, aad, sealed []byte) ([]byte, error)
}
