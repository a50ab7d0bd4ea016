// Package iam is Identity and Access Management of the mock cloud: service
// accounts and their keys, IAM tokens, roles, users, workload identity
// federations and federated credentials. The token exchange itself is in oauth.
package iam
