package bugs

// operations is what an operation says, and whether a call is made once.
var operations = in("operations",
	Bug{Name: "IdempotencyKeyIgnored",
		Doc:      "A call that is made again with its Idempotency-Key is carried out again.",
		MustKill: []string{"federation/idempotency-key"}},
	Bug{Name: "OperationMetadataMissing",
		Doc:      "The operation of an update or a deletion has no metadata.",
		MustKill: []string{"federation/operation-metadata"}},
	Bug{Name: "OperationMetadataOfAnother",
		Doc:      "The operation of an update or a deletion has the metadata of a creation.",
		MustKill: []string{"federation/operation-metadata"}},
	Bug{Name: "OperationResponseMissing",
		Doc:      "The operation of an update is done and has an empty response where the federation should be.",
		MustKill: []string{"federation/operation-metadata"},
		MayKill:  may("it may look at the federation in the response", "federation/update-mask", "federation/disable-enable", "federation/issuer-immutable", "federation/audience-order")},
)
