// Package calling calls the cloud's API as the accounts that checks make, by gRPC
// and by REST, and has the expectations that such checks share: what must be
// refused is refused with the documented code, and what says nothing about the
// target (no answer, a failing server) is kept apart from a wrong answer.
package calling
