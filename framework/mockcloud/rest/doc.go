// Package rest is the REST API of the mock's gRPC services: each HTTP call
// becomes the gRPC call that the descriptor's google.api.http option says, so
// that the gate sees every call in one form. The real cloud transcodes with
// Envoy (docs: "REST and gRPC"); grpc-gateway's runtime does it here.
package rest
