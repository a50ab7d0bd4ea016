// Package killmatrix judges whether the suite catches the bugs that it claims to
// catch: it plans what must be run for each bug of the mock cloud, compares the
// verdicts of that run with what the bug declares, and draws the matrix of
// requirements and bugs. It runs nothing itself.
package killmatrix
