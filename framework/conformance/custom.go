package conformance

const areaCustom = "custom"

// Kubernetes of the user's own, whose key set the user publishes.
const (
	CustomJWKSFromBucket        = areaCustom + "/jwks-from-bucket"
	CustomClusterInternalIssuer = areaCustom + "/cluster-internal-issuer"
	CustomPlainStringAudience   = areaCustom + "/plain-string-audience"
	CustomPrivateBucketJWKS     = areaCustom + "/private-bucket-jwks"
	CustomStaleJWKS             = areaCustom + "/stale-jwks"
)

func customArea() []Requirement {
	tutorial := func(clause string) Source {
		return cloudDocs("WLIF tutorial for custom Kubernetes", clause, "tutorials/security/wlif-k8s-integration")
	}
	return area(areaCustom, alike(Requirement{
		Level: Must, Severity: Major, Features: ownIssuer,
	}, []Requirement{
		{ID: CustomJWKSFromBucket, Statement: "A token that a cluster signed MUST be exchanged through a federation whose JWKS URL is a copy of the cluster's key set in a public bucket.",
			Sources: []Source{tutorial("Publish the public keys")}, Remediation: "Upload what `kubectl get --raw /openid/v1/jwks` prints to a bucket that everybody can read, and take the object's link as the JWKS URL."},
		{ID: CustomClusterInternalIssuer, Statement: "A token MUST be exchanged whose issuer is a name that only the cluster can resolve.",
			Sources: []Source{tutorial("Get the issuer")}, Remediation: "Fetch keys from the federation's JWKS URL alone; the issuer is compared and never resolved."},
		{ID: CustomPlainStringAudience, Statement: "A token MUST be exchanged whose audience is a plain word, if the federation lists that word.",
			Sources: []Source{tutorial("Create a workload identity federation"), rfc(7519, "4.1.3 \"aud\" (Audience) Claim")}, Remediation: "Compare audiences as strings; an audience need not be a URL."},
		{ID: CustomPrivateBucketJWKS, Statement: "A token MUST be refused while the federation's key set is in a bucket that is not public.", Severity: Critical,
			Sources: []Source{tutorial("Publish the public keys"), wlifConcepts("How a federation works")}, Remediation: "Refuse a token whose key set cannot be read; let everybody read the bucket's objects."},
		{ID: CustomStaleJWKS, Statement: "A token of a key that the uploaded copy of the key set does not have MUST be refused, and exchanged after the copy was uploaded again.", Severity: Critical,
			Sources: []Source{tutorial("Publish the public keys"), oidcCore("10.1.1 Rotation of Asymmetric Signing Keys", "RotateSigKeys")}, Remediation: "Upload the key set again after the cluster's keys were rotated."},
	}))
}
