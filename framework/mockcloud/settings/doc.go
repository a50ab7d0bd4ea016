// Package settings is everything that can be set on the mock cloud, in one typed
// structure that a file, the admin port and tests all use: latencies, propagation,
// quotas, faults, and the table of guesses (what the real cloud's documentation
// leaves open, kept as data so that one recording can replace it).
package settings
