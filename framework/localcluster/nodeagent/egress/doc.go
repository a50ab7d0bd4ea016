// Package egress is a pod's way out: it accepts connections on listeners that were
// made inside the pod and carries them to addresses on this machine, or, as an HTTP
// proxy, to the internet. It never carries them to the machine itself.
package egress
