// Package cost says what of that which a run creates the cloud charges for, and what
// that is an hour, by the price table in prices.yaml. A price that nobody has read on
// the cloud's own page is unknown, and an estimate with such a price has no sum.
package cost
