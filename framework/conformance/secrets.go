package conformance

const areaSecrets = "secrets"

// What Lockbox gives out of a secret, and keeps in it.
const (
	SecretsRESTEqualsGRPC           = "secrets/rest-equals-grpc"
	SecretsPayloadByVersion         = "secrets/payload-by-version"
	SecretsNewVersionBecomesCurrent = "secrets/new-version-becomes-current"
	SecretsBinaryValue              = "secrets/binary-value"
	SecretsUnknownSecret            = "secrets/unknown-secret"
	SecretsInactiveSecret           = "secrets/inactive-secret"
	SecretsDestroyedVersion         = "secrets/destroyed-version"
	SecretsReactivatedSecret        = "secrets/reactivated-secret"
	SecretsPayloadSizeLimit         = "secrets/payload-size-limit"
	SecretsKeyPattern               = "secrets/key-pattern"
	SecretsKMSRoleNeeded            = "secrets/kms-role-needed"
)

const (
	repairOfPayloads              = "Give out the payload of the version that is asked for, as it was stored, by REST as by gRPC."
	repairOfPayloadsThatAreClosed = "Refuse the payload of what is not active; its metadata may be shown."
)

// lockboxSecrets cites what a secret and its versions are.
func lockboxSecrets(section string) Source {
	return cloudDocs("Secrets in Lockbox", section, "lockbox/concepts/secret")
}

func secretsArea() []Requirement {
	getPayload := proto("lockbox/v1/payload_service.proto", "PayloadService.Get")
	return area(areaSecrets, alike(Requirement{Level: Must, Severity: Major, Remediation: repairOfPayloads}, []Requirement{
		{
			ID:        SecretsRESTEqualsGRPC,
			Statement: "A payload MUST be the same by REST as by gRPC, as JSON with entries[].key, textValue or binaryValue, and the versionId of the current version.",
			Sources:   []Source{cloudDocs("Lockbox API, REST: Payload.Get", "Response", "lockbox/api-ref/Payload/get"), getPayload},
		},
		{
			ID:        SecretsPayloadByVersion,
			Statement: "The payload that is asked for by version MUST be that of the version, also when it is not the current one.",
			Sources:   []Source{getPayload, lockboxSecrets("Version")},
		},
		{
			ID:          SecretsNewVersionBecomesCurrent,
			Statement:   "RECORD whether a version that was added becomes the current one at once.",
			Level:       Record,
			Sources:     []Source{lockboxSecrets("Version"), proto("lockbox/v1/secret_service.proto", "SecretService.AddVersion")},
			Remediation: "If a new version does not become current, call SetCurrentVersion when a secret is rotated.",
		},
		{
			ID:        SecretsBinaryValue,
			Statement: "A binary value MUST come back as the bytes that were stored: by gRPC as binary_value, by REST as base64 in binaryValue.",
			Sources:   []Source{proto("lockbox/v1/payload.proto", "Payload.Entry.binary_value"), cloudDocs("API design guide, REST and gRPC", "JSON mapping", "api-design-guide/concepts/general")},
		},
		{
			ID:          SecretsUnknownSecret,
			Statement:   "A request for the payload of a secret that does not exist MUST be refused.",
			Severity:    Critical,
			Features:    ownIssuer,
			Sources:     []Source{getPayload, apiErrors("404 NOT_FOUND")},
			Remediation: "Refuse what names no secret (404 NOT_FOUND, or 403 so as not to tell what exists), and never give out anything else in its place.",
		},
		{
			ID:          SecretsInactiveSecret,
			Statement:   "The payload of a deactivated secret MUST NOT be readable, while its metadata is.",
			Severity:    Critical,
			Sources:     []Source{lockboxSecrets("Secret"), proto("lockbox/v1/secret.proto", "Secret.Status.INACTIVE")},
			Remediation: repairOfPayloadsThatAreClosed,
		},
		{
			ID:          SecretsDestroyedVersion,
			Statement:   "The payload of a version that was destroyed MUST NOT be readable.",
			Severity:    Critical,
			Sources:     []Source{proto("lockbox/v1/secret.proto", "Version.Status.DESTROYED"), cloudDocs("Secret version management", "Scheduling a version for deletion", "lockbox/operations/secret-version-manage")},
			Remediation: repairOfPayloadsThatAreClosed,
		},
		{
			ID:          SecretsReactivatedSecret,
			Statement:   "The payload of a secret that was deactivated and activated again MUST be readable, unchanged.",
			Sources:     []Source{lockboxSecrets("Secret"), proto("lockbox/v1/secret_service.proto", "SecretService.Activate")},
			Remediation: "Open a secret again when it is activated.",
		},
		{
			ID:          SecretsPayloadSizeLimit,
			Statement:   "A version whose values have more than 64 KB in total MUST be refused, and one with less accepted.",
			Severity:    Minor,
			Sources:     []Source{cloudDocs("Quotas and limits in Lockbox", "Limits", "lockbox/concepts/limits"), proto("lockbox/v1/secret_service.proto", "PayloadEntryChange.text_value")},
			Remediation: "Count the values of a version together.",
		},
		{
			ID:          SecretsKeyPattern,
			Statement:   "An entry whose key is empty, has more than 256 characters or any outside [-_./\\@0-9a-zA-Z] MUST be refused with INVALID_ARGUMENT.",
			Severity:    Minor,
			Sources:     []Source{proto("lockbox/v1/secret_service.proto", "PayloadEntryChange.key"), apiErrors("400 INVALID_ARGUMENT")},
			Remediation: "Hold keys against the pattern of the API: applications make file names and variables of them.",
		},
		{
			ID:          SecretsKMSRoleNeeded,
			Statement:   "The payload of a secret that is encrypted with a KMS key MUST NOT be readable without a role for the key, and be readable with kms.keys.encrypterDecrypter.",
			Severity:    Critical,
			Features:    []Feature{ObjectStorage, KMS},
			Sources:     []Source{lockboxSecrets("Secret encryption using Key Management Service"), cloudDocs("Access management in Key Management Service", "kms.keys.encrypterDecrypter", "kms/security/")},
			Remediation: "Decrypt with the rights of the account that reads; give a reader kms.keys.encrypterDecrypter on the key beside lockbox.payloadViewer.",
		},
	}))
}
