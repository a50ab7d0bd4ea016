// Package workflows holds the test of the CI systems' files: .gitlab-ci.yml is of
// GitLab's schema. Those of GitHub are checked by actionlint (`make lint`).
package workflows
