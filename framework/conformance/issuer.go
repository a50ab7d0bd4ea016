package conformance

const areaIssuer = "issuer"

// What the cluster's issuer publishes.
const (
	IssuerJWKSHTTPSAnonymous   = "issuer/jwks-https-anonymous"
	IssuerJWKSContentType      = "issuer/jwks-content-type"
	IssuerJWKSNoPrivateMembers = "issuer/jwks-no-private-members"
	IssuerJWKSKeysUsable       = "issuer/jwks-keys-usable"
	IssuerDiscoveryConsistent  = "issuer/discovery-document-consistent"
	IssuerPublishedDiscovery   = "issuer/published-discovery-document"
	IssuerUpstreamDiscovery    = "issuer/upstream-discovery-program"
	IssuerKeyRotationOverlap   = "issuer/key-rotation-overlap"
)

// What its tokens say.
const (
	IssuerTokenKidPublished       = "issuer/token-kid-published"
	IssuerTokenSignatureVerifies  = "issuer/token-signature-verifies"
	IssuerTokenIssExact           = "issuer/token-iss-exact"
	IssuerTokenAudAsRequested     = "issuer/token-aud-as-requested"
	IssuerDefaultAudienceIsIssuer = "issuer/default-audience-is-issuer"
	IssuerTokenSub                = "issuer/token-sub"
	IssuerTokenLifetime           = "issuer/token-lifetime"
	IssuerExpirationMinimum       = "issuer/expiration-minimum"
)

// What pods have of them.
const (
	IssuerTokenBoundToPod      = "issuer/token-bound-to-pod"
	IssuerDeletedPodToken      = "issuer/deleted-pod-token-still-verifies"
	IssuerTokenRotates         = "issuer/token-rotates-before-expiry"
	IssuerTokenFilePermissions = "issuer/token-file-permissions"
	IssuerContainerRestart     = "issuer/container-restart-keeps-identity"
	IssuerImageIsRun           = "issuer/image-is-run"
	IssuerNodeReboot           = "issuer/node-reboot-keeps-identity"
)

const (
	repairOfIssuer = "Compare what `yc managed-kubernetes cluster get` shows under workload_identity_federation with what is published there, and report a difference to the cloud's support."
	repairOfTokens = "Update the cluster with --enable-workload-identity-federation, make the pods again so that they get new tokens, and report what is still wrong to the cloud's support."

	kubernetesServiceAccounts  = "tasks/configure-pod-container/configure-service-account"
	kubernetesAccountsAdmin    = "reference/access-authn-authz/service-accounts-admin"
	kubernetesProjectedVolumes = "concepts/storage/projected-volumes"
	issuerDiscovery            = "Service account issuer discovery"
	tokenProjection            = "ServiceAccount token volume projection"
	boundTokens                = "Bound service account tokens"
)

// kubernetesDocs cites a page of the Kubernetes documentation.
func kubernetesDocs(page, section string) Source {
	return Source{Document: "Kubernetes documentation", Clause: section, URL: "https://kubernetes.io/docs/" + page + "/"}
}

// kubernetesTest cites a test of Kubernetes' own conformance suite.
func kubernetesTest(name string) Source {
	return Source{Document: "Kubernetes e2e test", Clause: name, URL: "https://github.com/kubernetes/kubernetes/blob/master/test/e2e/auth/service_accounts.go"}
}

// oidcDiscovery cites OpenID Connect Discovery 1.0.
func oidcDiscovery(section, anchor string) Source {
	return Source{Document: "OpenID Connect Discovery 1.0", Clause: section, URL: "https://openid.net/specs/openid-connect-discovery-1_0.html#" + anchor}
}

func issuerArea() []Requirement {
	rows := issuerPublishes()
	rows = append(rows, issuerTokens()...)
	return area(areaIssuer, append(rows, issuerPods()...))
}

func issuerPublishes() []Requirement {
	return alike(Requirement{Level: Must, Severity: Major, Remediation: repairOfIssuer}, []Requirement{
		{
			ID:        IssuerJWKSHTTPSAnonymous,
			Statement: "The cluster's JWKS URL MUST answer a GET over HTTPS, with a trusted certificate and without credentials, with 200 and a key set.",
			Sources:   []Source{oidcDiscovery("3 OpenID Provider Metadata, jwks_uri", "ProviderMetadata"), rfc(7517, "5 JWK Set Format")},
		},
		{
			ID:        IssuerJWKSContentType,
			Statement: "The key set SHOULD be served as application/json or application/jwk-set+json.",
			Level:     Should, Severity: Minor,
			Sources: []Source{rfc(7517, "8.5.2 Media Type Registration")},
		},
		{
			ID:          IssuerJWKSNoPrivateMembers,
			Statement:   "The published key set MUST NOT have a private member (d, p, q, dp, dq, qi, oth or k) in any key.",
			Severity:    Critical,
			Sources:     []Source{rfc(7517, "9.2 Preventing Disclosure of Non-public Key Information"), oidcDiscovery("3 OpenID Provider Metadata, jwks_uri", "ProviderMetadata")},
			Remediation: "Take the key set down, make a new signing key, and treat every token of the old one as forged; whoever read the key set can act as every pod.",
		},
		{
			ID:        IssuerJWKSKeysUsable,
			Statement: "Each key of the published key set MUST be a readable asymmetric key with a kid that no other key has, an alg that signs with such a key, and the use sig.",
			Sources:   []Source{rfc(7517, "4 JSON Web Key (JWK) Format"), kubernetesDocs(kubernetesServiceAccounts, issuerDiscovery)},
		},
		{
			ID:        IssuerDiscoveryConsistent,
			Statement: "The API server's discovery document MUST name the issuer that the cloud reports for the cluster, and the keys that the API server serves be in the published key set.",
			Sources:   []Source{kubernetesDocs(kubernetesServiceAccounts, issuerDiscovery), oidcDiscovery("4.3 OpenID Provider Configuration Validation", "ProviderConfigurationValidation")},
		},
		{
			ID:        IssuerPublishedDiscovery,
			Statement: "RECORD whether a discovery document is published below the issuer's URL, and what it names.",
			Level:     Record, Severity: Minor,
			Sources:     []Source{oidcDiscovery("4 Obtaining OpenID Provider Configuration Information", "ProviderConfig")},
			Remediation: "Give the JWKS URL to whoever verifies the cluster's tokens; the cloud's federation needs no discovery document.",
		},
		{
			ID:        IssuerUpstreamDiscovery,
			Statement: "RECORD whether the program of Kubernetes' own conformance check of issuer discovery verifies a pod's token in a pod.",
			Level:     Record, Severity: Minor, Features: []Feature{ContainerImages, Kubelet},
			Sources:     []Source{kubernetesTest("ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer")},
			Remediation: "Look at issuer/published-discovery-document; where none is published, give the JWKS URL to whoever verifies the cluster's tokens.",
		},
		{
			ID:          IssuerKeyRotationOverlap,
			Statement:   "When an issuer publishes a new key beside the old one, tokens of both keys MUST be exchanged.",
			Features:    []Feature{ObjectStorage},
			Sources:     []Source{oidcCoreSignature(), wlifConcepts("Workload identity federations")},
			Remediation: "Publish the new key and wait before it signs; keep the old key in the key set until the last token that it signed has expired.",
		},
	})
}

// oidcCoreSignature is the clause on the rotation of signing keys.
func oidcCoreSignature() Source {
	return oidcCore("10.1.1 Rotation of Asymmetric Signing Keys", "RotateSigKeys")
}

func issuerTokens() []Requirement {
	return alike(Requirement{Level: Must, Severity: Major, Remediation: repairOfTokens}, []Requirement{
		{
			ID:        IssuerTokenKidPublished,
			Statement: "The kid in the header of a service account token MUST be that of a key of the published key set.",
			Sources:   []Source{rfc(7515, "4.1.4 \"kid\" (Key ID) Header Parameter"), oidcCoreSignature()},
		},
		{
			ID:        IssuerTokenSignatureVerifies,
			Statement: "The signature of a service account token MUST verify with the published key of its kid.",
			Severity:  Critical,
			Sources:   []Source{rfc(7515, "5.2 Message Signature or MAC Validation"), oidcCore("3.1.3.7 ID Token Validation", "IDTokenValidation")},
		},
		{
			ID:        IssuerTokenIssExact,
			Statement: "The iss of a service account token MUST be, character for character, the issuer that the cloud reports for the cluster.",
			Sources:   []Source{oidcCore("3.1.3.7 ID Token Validation", "IDTokenValidation"), tutorialClause("Create a workload identity federation")},
		},
		{
			ID:        IssuerTokenAudAsRequested,
			ProvenBy:  "suites/issuer TestClaimsThatDiffer",
			Statement: "The aud of a service account token MUST be exactly the audiences that were asked for.",
			Severity:  Critical,
			Sources:   []Source{kubernetesDocs(kubernetesServiceAccounts, tokenProjection), rfc(7519, "4.1.3 \"aud\" (Audience) Claim")},
		},
		{
			ID:        IssuerDefaultAudienceIsIssuer,
			Statement: "A service account token that was asked for without an audience MUST have the cluster's issuer among its aud.",
			Sources: []Source{kubernetesDocs(kubernetesServiceAccounts, tokenProjection),
				{Document: "yc-keda-external-scaler", Clause: "README, workload identity federation", URL: "https://github.com/yandex-cloud/yc-keda-external-scaler"}},
			Remediation: "Name the issuer's URL as audience in the pod's projected volume, as the tutorial does.",
		},
		{
			ID:        IssuerTokenSub,
			ProvenBy:  "suites/issuer TestClaimsThatDiffer",
			Statement: "The sub of a service account token MUST be system:serviceaccount:<namespace>:<name>.",
			Severity:  Critical,
			Sources:   []Source{kubernetesDocs(kubernetesAccountsAdmin, boundTokens), tutorialClause("Link the IAM service account to the federation")},
		},
		{
			ID:        IssuerTokenLifetime,
			ProvenBy:  "suites/issuer TestLifeIsThatWhichWasGranted",
			Statement: "A service account token MUST expire when the API server says it does, no later than was asked for, and be valid from the moment it is issued.",
			Sources:   []Source{kubernetesDocs(kubernetesServiceAccounts, tokenProjection), rfc(7519, "4.1.4 \"exp\" (Expiration Time) Claim")},
		},
		{
			ID:        IssuerExpirationMinimum,
			ProvenBy:  "suites/issuer TestTooShortALifeMustBeRefused",
			Statement: "The API server MUST refuse a token request for less than 600 seconds, and grant one for 600.",
			Severity:  Minor,
			Sources: []Source{{Document: "Kubernetes API", Clause: "ServiceAccountTokenProjection, expirationSeconds: must be at least 10 minutes",
				URL: "https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/"}},
			Remediation: "Use an API server of a supported Kubernetes version; set expirationSeconds of the projected volume to 600 or more.",
		},
	})
}

func issuerPods() []Requirement {
	kubelet := []Feature{Kubelet}
	return alike(Requirement{Level: Must, Severity: Major, Remediation: repairOfTokens}, []Requirement{
		{
			ID:        IssuerTokenBoundToPod,
			ProvenBy:  "suites/issuer TestClaimsThatDiffer",
			Statement: "A pod's projected token MUST name the pod with its uid, and be refused by the API server once the pod is deleted.",
			Severity:  Critical,
			Sources:   []Source{kubernetesDocs(kubernetesAccountsAdmin, boundTokens)},
		},
		{
			ID:        IssuerDeletedPodToken,
			Statement: "RECORD whether the cloud still exchanges the token of a pod that was deleted.",
			Level:     Record, Severity: Minor,
			Sources:     []Source{kubernetesDocs(kubernetesAccountsAdmin, boundTokens)},
			Remediation: "Let projected tokens expire soon (expirationSeconds: 600): who only looks at the signature does not see that a pod is gone.",
		},
		{
			ID:        IssuerTokenRotates,
			ProvenBy:  "suites/issuer TestTokensAreRenewed",
			Statement: "The kubelet MUST replace the token in the file before it expires, and the cloud exchange the new one.",
			Slow:      true, Features: kubelet,
			Sources: []Source{kubernetesDocs(kubernetesServiceAccounts, tokenProjection)},
		},
		{
			ID:       IssuerTokenFilePermissions,
			ProvenBy: "suites/issuer TestFileStates",
			Statement: "The token's file MUST have the mode 0600 and belong to the user whom all containers of the pod run as, the mode 0640 and the group of the pod's " +
				"fsGroup where it has one, and the mode 0644 in a pod with neither.",
			Severity: Critical, Features: kubelet,
			Sources: []Source{kubernetesDocs(kubernetesProjectedVolumes, "SecurityContext interactions"),
				kubernetesTest("should set ownership and permission when RunAsUser or FsGroup is present")},
			Remediation: "Do not set defaultMode of the projected volume; the kubelet chooses the mode for tokens.",
		},
		{
			ID:          IssuerContainerRestart,
			ProvenBy:    "suites/issuer TestClaimsThatDiffer",
			Statement:   "A container that was restarted MUST find a token that is exchanged for the same IAM service account.",
			Sources:     []Source{kubernetesDocs(kubernetesServiceAccounts, tokenProjection)},
			Remediation: repairOfTokens,
		},
		{
			ID:          IssuerImageIsRun,
			ProvenBy:    "suites/issuer TestImagesThatAreNotRun",
			Statement:   "The tutorial's pod MUST run the program of the image that it names.",
			Features:    []Feature{ContainerImages},
			Sources:     []Source{tutorialClause("Test the integration, step 2")},
			Remediation: "Let the nodes reach the registry of the image, and look at the pod's events.",
		},
		{
			ID:          IssuerNodeReboot,
			ProvenBy:    "suites/issuer TestClaimsThatDiffer",
			Statement:   "A pod on a node that was rebooted MUST find a token that is exchanged for the same IAM service account.",
			Features:    []Feature{ManagedCluster, NodeReboot},
			Sources:     []Source{kubernetesDocs(kubernetesServiceAccounts, tokenProjection)},
			Remediation: repairOfTokens,
		},
	})
}
