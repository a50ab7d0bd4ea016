// Package mockcloud is a mock Yandex Cloud: the cloud's own generated gRPC
// services behind real TLS, the REST API of the same services, the OAuth token
// endpoint and object storage, under the real host names. Its Managed Kubernetes
// hands out clusters that are really running, its IAM really verifies signatures
// with keys that it fetches over HTTPS.
//
// One package for each service stands on the package kernel; gate is the way in
// for every call. Nothing here imports a suite, the provisioner or a client of
// ours: the two sides of the wire must not share a mistake.
package mockcloud
