// Package manifests holds what a user would type or apply: the YAML and the
// shell commands, byte for byte as the documentation prints them, embedded so
// that the suite applies the same files that kubectl can be given. terraform/ is a root
// module of our own that does the tutorial's steps the other way.
//
// The documentation's own sample values are the placeholders: the sample issuer
// in pod.yaml and the angle-bracketed ids in set-variables.sh. Fill replaces
// them and refuses a text that still has one.
package manifests
