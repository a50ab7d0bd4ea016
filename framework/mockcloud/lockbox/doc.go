// Package lockbox is the mock's Lockbox: secrets, their versions and payloads
// (yandex/cloud/lockbox/v1). Values lie in the state alone, encrypted when the
// secret names a KMS key; no message of the control plane carries them.
package lockbox
