package bugs

// storage is what object storage gives to whom.
var storage = in("storage",
	Bug{Name: "PrivateObjectsReadable",
		Doc:      "Whoever knows the address of an object reads it: its bucket's access is not looked at.",
		MustKill: []string{"custom/private-bucket-jwks"}},
	Bug{Name: "OverwrittenObjectIsStale",
		Doc:      "An object that is put again is accepted, and read as it was: a cache that nobody empties.",
		MustKill: []string{"custom/stale-jwks", "issuer/key-rotation-overlap"},
		MayKill:  may("it publishes another key set at the same address", "exchange/*", "custom/*", "subjects/*")},
)
