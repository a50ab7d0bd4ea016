// Package kms is the mock's Key Management Service as far as encrypted secrets
// need it: symmetric keys with versions (yandex/cloud/kms/v1) and encryption with
// them, in AES-GCM.
package kms
