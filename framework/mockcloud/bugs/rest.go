package bugs

// rest is how REST differs from gRPC.
var rest = in("rest",
	Bug{Name: "RESTSnakeCase",
		Doc:      "REST gives the fields of a payload their names in the descriptors: text_value, version_id.",
		MustKill: []string{"secrets/rest-equals-grpc", "tutorial/payload"},
		MayKill:  may("a payload may be read by REST", "clients/*", "secrets/*", "access/*")},
	Bug{Name: "RESTWithoutVersion",
		Doc:      "REST leaves the version of a payload out.",
		MustKill: []string{"secrets/rest-equals-grpc", "tutorial/payload"},
		MayKill:  may("a payload may be read by REST", "clients/*", "secrets/*")},
	Bug{Name: "RESTRefusalIsText",
		Doc:      "REST answers a refusal with its text alone, which is no google.rpc.Status.",
		MustKill: []string{"access/refusal-body"},
		MayKill:  may("a refusal may be read by REST", "access/*", "secrets/*")},
	Bug{Name: "RESTRefusalIs200",
		Doc:      "REST tells of a refusal in the body alone; the status is 200.",
		MustKill: []string{"access/refusal-body", "access/no-role", "access/role-on-other-folder", "access/role-revoked", "access/token-of-other-sa", "access/no-bearer"},
		MayKill:  may("a refusal may be read by REST", "access/*", "secrets/*", "clients/*")},
)
