// Package config is the one typed configuration of the project: defaults, then
// a YAML file, then the environment, then flags. One table of keys (Keys)
// drives all of them, the help text and the error messages, so that a key means
// the same wherever it is written and an unknown one is refused with the
// nearest known one.
//
// It does no I/O but reading the file it is told to read, and calls no cloud:
// everything it refuses is refused before anything exists. All problems are
// collected into one *Error, which is wrong usage (exit code 2).
package config
