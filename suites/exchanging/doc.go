// Package exchanging has the expectations that checks of the token exchange share:
// a request must be accepted, a twin must be accepted for the check to mean
// anything, a request must be refused as documented. It keeps apart what the
// target did from what says nothing about it.
package exchanging
