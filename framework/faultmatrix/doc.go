// Package faultmatrix judges whether a run meets the faults of a cloud and of its own
// machine as it should: it completes, or ends as ERROR, and leaves nothing behind in
// any case. It declares the faults and what must come of each, and draws the table.
// It runs nothing itself.
package faultmatrix
