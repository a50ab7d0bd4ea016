package conformance

import "slices"

const areaFederation = "federation"

// Federations.
const (
	FederationRoundTrip             = "federation/round-trip"
	FederationListPaging            = "federation/list-paging"
	FederationRequiredFields        = "federation/required-fields"
	FederationNamePattern           = "federation/name-pattern"
	FederationNameUnique            = "federation/name-unique-in-folder"
	FederationDescriptionLength     = "federation/description-length"
	FederationAudiencesSize         = "federation/audiences-size"
	FederationAudienceLength        = "federation/audience-length"
	FederationIssuerImmutable       = "federation/issuer-immutable"
	FederationUpdateMask            = "federation/update-mask"
	FederationDisableEnable         = "federation/disable-enable"
	FederationAudienceOrder         = "federation/audience-order"
	FederationDeletedNotFound       = "federation/deleted-not-found"
	FederationSeveralPerFolder      = "federation/several-per-folder"
	FederationDeleteWithCredentials = "federation/delete-with-credentials"
	FederationLabels                = "federation/labels"
	FederationAccessBindings        = "federation/access-bindings"
	FederationIdempotencyKey        = "federation/idempotency-key"
	FederationOperationMetadata     = "federation/operation-metadata"
)

// Federated credentials.
const (
	CredentialRoundTrip         = "federation/credential-round-trip"
	CredentialSubjectExact      = "federation/credential-subject-exact"
	CredentialSubjectLength     = "federation/credential-subject-length"
	CredentialUnknownFederation = "federation/credential-unknown-federation"
	CredentialUnknownSA         = "federation/credential-unknown-sa"
	CredentialDuplicate         = "federation/credential-duplicate"
	CredentialEmptySubject      = "federation/credential-empty-subject"
	CredentialCrossFolderSA     = "federation/credential-cross-folder-sa"
	CredentialNeedsBothRoles    = "federation/credential-needs-both-roles"
)

// federationProto cites the API of federations, credentialProto that of credentials.
func federationProto(clause string) Source {
	return proto("iam/v1/workload/oidc/federation_service.proto", clause)
}

func credentialProto(clause string) Source {
	return proto("iam/v1/workload/federated_credential_service.proto", clause)
}

const (
	repairOfRules       = "Hold requests against the rules of the API's descriptors before anything is made, and name the field in the answer."
	repairOfFederations = "Keep and show a federation as its requests said."
	repairOfCredentials = "Keep and show a credential as its request said."
)

func federationArea() []Requirement {
	return area(areaFederation, slices.Concat(federationRules(), federationLife(), federationAPI(), federatedCredentials()))
}

// federationRules are what is refused of a federation.
func federationRules() []Requirement {
	create := func(field string) []Source {
		return []Source{federationProto("CreateFederationRequest." + field), apiErrors("400 INVALID_ARGUMENT")}
	}
	return alike(Requirement{Level: Must, Severity: Minor, Remediation: repairOfRules}, []Requirement{
		{
			ID:        FederationRequiredFields,
			Statement: "A federation without a folder, a name, an issuer or a JWKS URL MUST be refused with INVALID_ARGUMENT.",
			Severity:  Major,
			Sources:   []Source{federationProto("CreateFederationRequest, fields marked (required)"), apiErrors("400 INVALID_ARGUMENT")},
		},
		{
			ID:        FederationNamePattern,
			Statement: "A federation whose name does not match [a-z]([-a-z0-9]{0,61}[a-z0-9])? MUST be refused with INVALID_ARGUMENT.",
			Sources:   create("name"),
		},
		{
			ID:          FederationNameUnique,
			Statement:   "A second federation of the same name in a folder MUST be refused with ALREADY_EXISTS.",
			Severity:    Major,
			Sources:     []Source{federationProto("CreateFederationRequest.name"), apiErrors("409 ALREADY_EXISTS")},
			Remediation: "Refuse a name that is taken; never answer with the federation that has it, which may trust another issuer.",
		},
		{
			ID:        FederationDescriptionLength,
			Statement: "A description of 256 characters MUST be accepted, and one of 257 refused with INVALID_ARGUMENT.",
			Sources:   create("description"),
		},
		{
			ID:        FederationAudiencesSize,
			Statement: "A federation with 1 or 100 audiences MUST be accepted, and one with none or 101 refused with INVALID_ARGUMENT.",
			Severity:  Major,
			Sources:   create("audiences"),
		},
		{
			ID:        FederationAudienceLength,
			Statement: "An audience of 255 characters MUST be accepted, and an empty one or one of 256 refused with INVALID_ARGUMENT.",
			Sources:   create("audiences"),
		},
	})
}

// federationLife is how a federation is kept.
func federationLife() []Requirement {
	return alike(Requirement{Level: Must, Severity: Major, Remediation: repairOfFederations}, []Requirement{
		{
			ID:        FederationRoundTrip,
			Statement: "A federation MUST be shown, by Get and by List, with the name, description, audiences, issuer and JWKS URL it was created with, enabled, in its folder.",
			Sources:   []Source{wlifSetup("Create a workload identity federation", "create-wlif"), proto("iam/v1/workload/oidc/federation.proto", "Federation")},
		},
		{
			ID:          FederationIssuerImmutable,
			Statement:   "No update of a federation MUST change its issuer.",
			Severity:    Critical,
			Sources:     []Source{federationProto("UpdateFederationRequest, which has no issuer")},
			Remediation: "Keep the issuer that a federation was created with: its credentials trust the subjects of that issuer alone.",
		},
		{
			ID:          FederationUpdateMask,
			Statement:   "An update MUST change the fields that its mask names, and no others.",
			Sources:     []Source{federationProto("UpdateFederationRequest.update_mask")},
			Remediation: "Leave what the mask does not name as it is, whatever the request holds.",
		},
		{
			ID:          FederationDisableEnable,
			Statement:   "A federation MUST be shown as disabled after an update to disabled, and as enabled after one back.",
			Severity:    Critical,
			Sources:     []Source{federationProto("UpdateFederationRequest.disabled"), proto("iam/v1/workload/oidc/federation.proto", "Federation.enabled")},
			Remediation: "Disable what an update disables: it is how an owner locks an issuer out.",
		},
		{
			ID:        FederationAudienceOrder,
			Statement: "All audiences of a federation SHOULD be kept, in whatever order they are given or shown.",
			Level:     Should,
			Sources:   []Source{federationProto("CreateFederationRequest.audiences"), {Document: "Terraform provider, changelog", Clause: "0.169.0: audiences are a set", URL: "https://github.com/yandex-cloud/terraform-provider-yandex/blob/master/CHANGELOG.md"}},
		},
		{
			ID:        FederationLabels,
			Statement: "The labels of a federation MUST be kept, and replaced by an update whose mask names them.",
			Severity:  Minor,
			Sources:   []Source{federationProto("CreateFederationRequest.labels")},
		},
		{
			ID:          FederationSeveralPerFolder,
			Statement:   "A folder MUST be able to have several federations, also of one issuer.",
			Sources:     []Source{wlifConcepts("Workload identity federations")},
			Remediation: "Let a folder have as many federations as the quota iam.oidcWLIFederations.count allows.",
		},
		{
			ID:          FederationDeletedNotFound,
			Statement:   "A deleted federation MUST NOT be listed, and be answered with NOT_FOUND.",
			Severity:    Critical,
			Sources:     []Source{federationProto("FederationService.Delete"), apiErrors("404 NOT_FOUND")},
			Remediation: "Forget a federation when its deletion is done.",
		},
		{
			ID:          FederationDeleteWithCredentials,
			Statement:   "RECORD whether a federation that still has credentials can be deleted.",
			Level:       Record,
			Sources:     []Source{federationProto("FederationService.Delete")},
			Remediation: "Delete the federated credentials of a federation before the federation.",
		},
	})
}

// federationAPI is what federations share with all resources of the cloud.
func federationAPI() []Requirement {
	return alike(Requirement{Level: Must, Severity: Major}, []Requirement{
		{
			ID:          FederationListPaging,
			Statement:   "A list in pages MUST show every federation exactly once, and no page more than page_size of them.",
			Sources:     []Source{federationProto("ListFederationsRequest.page_size, page_token")},
			Remediation: "Let a page's token name the row that comes next.",
		},
		{
			ID:          FederationAccessBindings,
			Statement:   "A role on a federation MUST be listed, and have its effect until it is taken away.",
			Features:    ownIssuer,
			Sources:     []Source{federationProto("FederationService.UpdateAccessBindings, ListAccessBindings"), accessControl("Resources that roles can be assigned for")},
			Remediation: "Look at the bindings of the federation itself, too, when a call is decided.",
		},
		{
			ID:          FederationIdempotencyKey,
			Statement:   "A call that is made again under its Idempotency-Key MUST be answered with the operation that the first one started, and change nothing.",
			Sources:     []Source{cloudDocs("API design guide, Idempotency", "Idempotency-Key", "api-design-guide/concepts/idempotency")},
			Remediation: "Remember the operation of each Idempotency-Key: a client that lost an answer asks again.",
		},
		{
			ID:          FederationOperationMetadata,
			Statement:   "The operations of a creation, an update and a deletion MUST have the metadata and the response that the API declares for them.",
			Sources:     []Source{federationProto("FederationService, option (yandex.cloud.api.operation)"), cloudDocs("API design guide, Operation", "Operation object", "api-design-guide/concepts/operation")},
			Remediation: "Fill in metadata and response as the method's option declares: clients learn the id of what they made from the metadata.",
		},
	})
}

func federatedCredentials() []Requirement {
	subject := []Source{credentialProto("CreateFederatedCredentialRequest.external_subject_id")}
	return alike(Requirement{Level: Must, Severity: Major, Remediation: repairOfCredentials}, []Requirement{
		{
			ID:        CredentialRoundTrip,
			Statement: "A federated credential MUST be shown, by Get and in the list of its service account, as it was created, and no longer after its deletion.",
			Sources:   []Source{wlifSetup("Create federated credentials", "create-federated-credential"), credentialProto("FederatedCredentialService")},
		},
		{
			ID:          CredentialSubjectExact,
			Statement:   "The external subject of a credential MUST be kept character by character, or be refused with INVALID_ARGUMENT.",
			Severity:    Critical,
			Sources:     []Source{{Document: "iam/v1/workload/federated_credential.proto", Clause: "FederatedCredential.external_subject_id, exact match", URL: subject[0].URL}},
			Remediation: "Keep subjects as they are, in letter case and white space too: they are compared exactly.",
		},
		{
			ID:          CredentialSubjectLength,
			Statement:   "An external subject of 1000 characters MUST be accepted and kept, and one of 1001 refused with INVALID_ARGUMENT.",
			Sources:     subject,
			Remediation: repairOfRules,
		},
		{
			ID:          CredentialUnknownFederation,
			Statement:   "A credential for a federation that does not exist MUST be refused.",
			Sources:     []Source{credentialProto("CreateFederatedCredentialRequest.federation_id"), apiErrors("404 NOT_FOUND")},
			Remediation: "Look for the federation before the credential is made.",
		},
		{
			ID:          CredentialUnknownSA,
			Statement:   "A credential of a service account that does not exist MUST be refused.",
			Sources:     []Source{credentialProto("CreateFederatedCredentialRequest.service_account_id"), apiErrors("404 NOT_FOUND")},
			Remediation: "Look for the service account before the credential is made.",
		},
		{
			ID:          CredentialDuplicate,
			Statement:   "RECORD whether the same service account, federation and subject can be linked twice.",
			Level:       Record,
			Severity:    Minor,
			Sources:     subject,
			Remediation: "If it can, delete each of the credentials when access is to end.",
		},
		{
			ID:          CredentialEmptySubject,
			Statement:   "RECORD whether an empty external subject is accepted, which the API does not declare as required.",
			Level:       Record,
			Sources:     subject,
			Remediation: "Never link an empty subject; where it is accepted, look for such credentials.",
		},
		{
			ID:          CredentialCrossFolderSA,
			Statement:   "A service account of another folder of the cloud MUST be accepted for a credential.",
			Features:    []Feature{SecondFolder},
			Sources:     []Source{wlifConcepts("Federated credentials")},
			Remediation: "Let federation and service account lie in different folders, as the documentation says they may.",
		},
		{
			ID:          CredentialNeedsBothRoles,
			Statement:   "Linking a service account MUST need both iam.serviceAccounts.federatedCredentialEditor on it and iam.workloadIdentityFederations.user on the federation's folder, and be refused with PERMISSION_DENIED without either.",
			Severity:    Critical,
			Features:    ownIssuer,
			Sources:     []Source{wlifSetup("Create federated credentials", "create-federated-credential"), apiErrors("403 PERMISSION_DENIED")},
			Remediation: "Ask for both rights: whoever links a subject to an account gives that subject the account's rights.",
		},
	})
}
