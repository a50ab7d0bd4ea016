// Package wlif holds what the project's own module is made of, for packages that
// build other programs beside it.
package wlif

import _ "embed" // for the two files

// The project's go.mod and go.sum.
var (
	//go:embed go.mod
	GoMod []byte
	//go:embed go.sum
	GoSum []byte
)
