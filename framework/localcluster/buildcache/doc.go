// Package buildcache is what the caches of built programs have in common: where
// they are, the lock that makes runs which ask at the same time build once, and
// the Go toolchain in a nested module, without the user's own settings.
package buildcache
