// Package federation decides how federations and federated credentials are kept:
// what is refused of them, what is shown of them, and who may link an account.
package federation
