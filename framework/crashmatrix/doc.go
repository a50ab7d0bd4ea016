// Package crashmatrix judges whether a run that is killed leaves anything behind. Its
// points are the mutating calls of one whole run: each is killed once before its
// execution and once after it, with every process of the run, with the launcher
// alone, and with one process of the suite alone. The package says which points there
// are and what must be true of each, and draws the table. It runs nothing itself.
package crashmatrix
