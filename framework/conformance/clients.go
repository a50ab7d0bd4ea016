package conformance

const areaClients = "clients"

// What applications do.
const (
	ClientsCurl            = "clients/curl"
	ClientsGoSDK           = "clients/go-sdk"
	ClientsGoSDKInPod      = "clients/go-sdk-in-pod"
	ClientsOAuth2InPod     = "clients/oauth2-in-pod"
	ClientsExternalAccount = "clients/oauth2-external-account"
	ClientsFileRotation    = "clients/token-file-rotation"
	ClientsTokenRefresh    = "clients/iam-token-refresh"
)

func clientsArea() []Requirement {
	return area(areaClients, alike(Requirement{Level: Must, Severity: Major,
		Remediation: "Run `wlif doctor exchange` with the same federation, service account and token, which says why an exchange is refused."}, []Requirement{
		{
			ID:        ClientsCurl,
			Statement: "curl in a pod MUST get an IAM token with the projected token when it encodes each parameter by itself, and read a secret with it.",
			Sources:   []Source{tutorialClause("Test the integration"), rfc(8693, "2.1 Request")},
		},
		{
			ID:        ClientsGoSDK,
			Statement: "A Go program whose SDK credential exchanges the token in a file MUST read a secret with it.",
			Sources:   []Source{wlifSetup("Exchange a JWT for an IAM token", "exchange-jwt-for-iam"), rfc(8693, "2.2.1 Successful Response")},
		},
		{
			ID:        ClientsGoSDKInPod,
			Statement: "A Go program in a pod whose SDK credential exchanges the projected token MUST read a secret with it.",
			Sources:   []Source{tutorialClause("Test the integration"), wlifSetup("Exchange a JWT for an IAM token", "exchange-jwt-for-iam")},
		},
		{
			ID:        ClientsOAuth2InPod,
			Statement: "A Go program in a pod whose HTTP client of golang.org/x/oauth2 exchanges the projected token MUST read a secret with it.",
			Sources: []Source{tutorialClause("Test the integration"),
				{Document: "golang.org/x/oauth2", Clause: "TokenSource", URL: "https://pkg.go.dev/golang.org/x/oauth2#TokenSource"}},
		},
		{
			ID:        ClientsExternalAccount,
			Statement: "The external account client of golang.org/x/oauth2 MUST get an IAM token with the token in a file, and read a secret with it.",
			Sources: []Source{rfc(8693, "2.1 Request"),
				{Document: "golang.org/x/oauth2/google/externalaccount", Clause: "Config", URL: "https://pkg.go.dev/golang.org/x/oauth2/google/externalaccount"}},
		},
		{
			ID:        ClientsFileRotation,
			ProvenBy:  "framework/exchange TestCredentialReadsTheFileAtEachExchange",
			Statement: "A client that exchanges again after the token in its file was replaced MUST get an IAM token for the new one.",
			Sources:   []Source{kubernetesDocs(kubernetesServiceAccounts, tokenProjection), wlifSetup("Exchange a JWT for an IAM token", "exchange-jwt-for-iam")},
		},
		{
			ID:        ClientsTokenRefresh,
			ProvenBy:  "framework/exchange TestCredentialKeepsATokenUntilShortlyBeforeItsEnd",
			Statement: "A client MUST learn from expires_in when to exchange again, and then get an IAM token that works before the first one ends.",
			Sources:   []Source{rfc(6749, "5.1 Successful Response"), wlifSetup("Exchange a JWT for an IAM token", "exchange-jwt-for-iam")},
		},
	}))
}
