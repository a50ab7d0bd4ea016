// Package journal is the event file of a run: typed events, one JSON line each,
// appended as things happen, by every process of the run to a file of its own.
// Every report is made from it, so that a killed process loses at most the line
// it was writing.
//
// Writers redact. Readers merge the files of a run by time and step over torn
// lines.
package journal
