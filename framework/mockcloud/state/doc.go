// Package state keeps what the mock cloud knows: tables of protobuf messages
// (one for each kind of resource, read by their own id, folder_id, name, labels
// and created_at fields) and of plain records (tokens, key material, bindings).
// It lives in memory; with a file it survives a restart.
package state
