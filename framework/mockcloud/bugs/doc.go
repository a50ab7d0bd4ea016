// Package bugs is what can be wrong with a cloud's workload identity federation, as
// data: a name, what a real implementation did or could do wrong, and which
// requirements' checks must notice. Each file is the table of one area.
//
// A bug is set for a folder (settings, key "bugs"), so that many are tried at once
// on one mock cloud. It acts in the service that it concerns, as a change to that
// service's policy: the table of what is looked at and how two things compare.
// Without bugs a policy is strict. Nothing outside this package and those policies
// knows a bug's name.
package bugs
