package conformance

const areaAccess = "access"

// Who may read a payload.
const (
	AccessNoRole            = "access/no-role"
	AccessRoleOnOtherFolder = "access/role-on-other-folder"
	AccessRoleRevoked       = "access/role-revoked"
	AccessViewerCannotWrite = "access/viewer-cannot-write"
	AccessTokenOfOtherSA    = "access/token-of-other-sa"
	AccessRoleOnFolder      = "access/role-on-folder"
	AccessRoleOnSecret      = "access/role-on-secret"
	AccessGrantPropagation  = "access/grant-propagation"
	AccessRevokePropagation = "access/revoke-propagation"
)

// By which token, and how a refusal looks.
const (
	AccessNoBearer       = "access/no-bearer"
	AccessMalformedToken = "access/malformed-token"
	AccessExpiredToken   = "access/expired-token"
	AccessRevokedToken   = "access/revoked-token"
	AccessRefusalBody    = "access/refusal-body"
)

// accessControl cites how roles work in the cloud.
func accessControl(section string) Source {
	return cloudDocs("How access management works", section, "iam/concepts/access-control/")
}

// lockboxRoles cites the roles of Lockbox.
func lockboxRoles(section string) Source {
	return cloudDocs("Access management in Lockbox", section, "lockbox/security/")
}

// iamTokens cites what an IAM token is.
func iamTokens(section string) Source {
	return cloudDocs("IAM token", section, "iam/concepts/authorization/iam-token")
}

func accessArea() []Requirement {
	return area(areaAccess, append(accessRoles(), accessTokens()...))
}

func accessRoles() []Requirement {
	viewer := []Source{lockboxRoles("lockbox.payloadViewer"), accessControl("Inheritance of access permissions"), apiErrors("403 PERMISSION_DENIED")}
	return alike(Requirement{
		Level: Must, Severity: Critical, Features: ownIssuer, Sources: viewer,
		Remediation: "Decide each call by the roles that its account has on the resource, its folder and its cloud at that time, and on nothing else.",
	}, []Requirement{
		{
			ID:        AccessNoRole,
			Statement: "A service account without a role that allows it MUST be refused the payload of a secret with 403 PERMISSION_DENIED, by REST and by gRPC.",
		},
		{
			ID:        AccessRoleOnOtherFolder,
			Statement: "A service account whose lockbox.payloadViewer is on another folder alone MUST be refused the payload with 403 PERMISSION_DENIED.",
			Features:  []Feature{ObjectStorage, SecondFolder},
		},
		{
			ID:        AccessRoleRevoked,
			Statement: "A service account whose role was revoked MUST be refused the payload with 403 PERMISSION_DENIED, by the IAM token that opened it before.",
		},
		{
			ID:        AccessViewerCannotWrite,
			Statement: "A service account with lockbox.payloadViewer alone MUST NOT be able to add a version, to change or delete the secret, or to create one.",
		},
		{
			ID:        AccessTokenOfOtherSA,
			Statement: "The IAM token of one service account MUST NOT open a payload by the role of another.",
		},
		{
			ID:          AccessRoleOnFolder,
			Statement:   "A service account with lockbox.payloadViewer on a folder MUST be able to read the payloads of the secrets in it.",
			Severity:    Major,
			Remediation: "Let roles on a folder count for everything in the folder.",
		},
		{
			ID:          AccessRoleOnSecret,
			Statement:   "A service account with lockbox.payloadViewer on one secret MUST be able to read the payload of that secret, and of no other.",
			Severity:    Major,
			Remediation: "Let roles on a secret count for that secret.",
		},
		{
			ID:          AccessGrantPropagation,
			Statement:   "A role that was granted MUST take effect on every server within timeout.propagation.",
			Severity:    Major,
			Remediation: "Look at the measured times in the report; raise timeout.propagation if the cloud's are longer, and wait as long in what depends on a new role.",
		},
		{
			ID:          AccessRevokePropagation,
			Statement:   "A role that was revoked MUST lose its effect on every server within timeout.propagation.",
			Remediation: "Look at the measured times in the report; raise timeout.propagation if the cloud's are longer, and reckon with that time when somebody is locked out.",
		},
	})
}

func accessTokens() []Requirement {
	return alike(Requirement{
		Level: Must, Severity: Critical, Features: ownIssuer,
		Sources:     []Source{apiErrors("401 UNAUTHENTICATED"), iamTokens("Using the token")},
		Remediation: "Refuse with 401 every call whose IAM token is missing, cannot be verified, has expired or was revoked, before its rights are looked at.",
	}, []Requirement{
		{
			ID:        AccessNoBearer,
			Statement: "A request for a payload without an Authorization header MUST be refused with 401.",
			Sources:   []Source{apiErrors("401 UNAUTHENTICATED"), rfc(6750, "3 The WWW-Authenticate Response Header Field")},
		},
		{
			ID:        AccessMalformedToken,
			Statement: "A request for a payload with what is no IAM token, or with one that was changed or cut off, MUST be refused with 401.",
		},
		{
			ID:        AccessExpiredToken,
			Statement: "A request for a payload with an IAM token that has expired MUST be refused with 401.",
			Features:  []Feature{ExpiredToken},
			Sources:   []Source{iamTokens("Lifetime"), apiErrors("401 UNAUTHENTICATED")},
		},
		{
			ID:        AccessRevokedToken,
			Statement: "An IAM token that was revoked MUST be refused with 401 within timeout.propagation.",
			Sources:   []Source{proto("iam/v1/iam_token_service.proto", "IamTokenService.Revoke"), apiErrors("401 UNAUTHENTICATED")},
		},
		{
			ID:          AccessRefusalBody,
			Statement:   "A refusal by REST MUST be a google.rpc.Status in JSON under its HTTP status, with a request id in its details or headers, and without anything of the payload.",
			Severity:    Major,
			Sources:     []Source{apiErrors("Error format"), cloudDocs("API design guide, Tracing", "x-request-id", "api-design-guide/concepts/general")},
			Remediation: "Answer as the API design guide says: support finds a request by its id, and error answers end up in logs, where a payload must not be.",
		},
	})
}
