// Package terraform runs a root module with OpenTofu or Terraform, whichever is there,
// and tells what its commands found.
package terraform
