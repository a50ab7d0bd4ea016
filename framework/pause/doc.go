// Package pause lets the suite wait, after a check failed and before it cleans up,
// until somebody at the launcher's terminal has looked around. The suite cannot read
// the terminal itself: its processes are in a group of their own.
package pause
