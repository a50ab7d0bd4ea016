// Package childproc starts long-lived child processes that die with this one,
// even when it is killed with SIGKILL, and that tell at once, with the end of
// their log, when they ended by themselves.
package childproc
