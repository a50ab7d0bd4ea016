// Package kernel is what every service of the mock cloud stands on: the clock,
// the settings, the state, who may do what, operations, ids, errors, pages and
// field masks. A service is a generated gRPC server and, for each method it
// answers, the rule that says who may call it; a method without a rule is not
// implemented.
package kernel
