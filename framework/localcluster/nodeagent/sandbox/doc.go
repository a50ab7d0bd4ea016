// Package sandbox runs processes of the host so that they see a machine of their
// own: a Pod is a network namespace, a Container in it has mount, PID, UTS and IPC
// namespaces, and a root file system made of throw-away overlays over the host's
// system folders. Nothing has a name on the host, so nothing can be left behind: a
// Pod ends with this process, whatever ends it.
//
// The image of a container is not run. It keeps well-meaning programs apart from
// the host and from each other; it is no boundary against hostile ones.
package sandbox
