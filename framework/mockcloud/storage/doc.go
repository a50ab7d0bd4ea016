// Package storage is the mock's Object Storage: the S3 API of gofakes3 behind
// the cloud's own authentication and roles, and the buckets' control plane
// (yandex/cloud/storage/v1). Issuers and their key sets are published here.
package storage
