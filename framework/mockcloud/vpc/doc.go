// Package vpc is the mock's Virtual Private Cloud as far as a Kubernetes cluster
// needs one: networks with their default security groups, subnets, NAT gateways,
// route tables, security groups and addresses. Nothing is routed; what the tables
// say decides whether nodes reach the internet (Egress).
package vpc
