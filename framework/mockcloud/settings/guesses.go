package settings

// Guesses is the table of answers that the documentation leaves open, by a name
// for the case. Replace a row when the real cloud has been recorded.
type Guesses map[string]Answer

// Answer is an HTTP status with an OAuth error (token exchange), or a gRPC code
// with a message (everything else); %s in a text stands for the resource.
type Answer struct {
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
	Code   string `json:"code,omitempty"`
	Text   string `json:"text,omitempty"`
}

// defaultGuesses: the exchange answers follow RFC 6749 5.2 and RFC 8693 2.2.2,
// which the one answer seen in public ("invalid_request") fits; nothing else of
// this table has been seen on the wire.
func defaultGuesses() Guesses {
	refuse := func(text string) Answer { return Answer{Status: 400, Error: "invalid_request", Text: text} }
	const unusable = "The subject token is invalid or is not accepted."
	return Guesses{
		// token endpoint, by the audited reason
		"exchange/method":                  {Status: 405, Error: "invalid_request", Text: "Use POST."},
		"exchange/content-type":            refuse("The body must be application/x-www-form-urlencoded."),
		"exchange/malformed-body":          refuse("The body cannot be read."),
		"exchange/parameter-missing":       refuse("A required parameter is missing."),
		"exchange/parameter-twice":         refuse("A parameter is included more than once."),
		"exchange/grant-type":              {Status: 400, Error: "unsupported_grant_type", Text: "The grant type is not supported."},
		"exchange/requested-token-type":    refuse("The requested token type is not supported."),
		"exchange/subject-token-type":      refuse("The subject token type is not supported."),
		"exchange/token-too-large":         refuse(unusable),
		"exchange/token-malformed":         refuse(unusable),
		"exchange/token-header":            refuse(unusable),
		"exchange/algorithm":               refuse(unusable),
		"exchange/critical-header":         refuse(unusable),
		"exchange/kid-missing":             refuse(unusable),
		"exchange/kid-unknown":             refuse(unusable),
		"exchange/key-type":                refuse(unusable),
		"exchange/signature":               refuse(unusable),
		"exchange/claims-malformed":        refuse(unusable),
		"exchange/exp-missing":             refuse(unusable),
		"exchange/expired":                 refuse(unusable),
		"exchange/not-yet-valid":           refuse(unusable),
		"exchange/issued-in-future":        refuse(unusable),
		"exchange/issuer-missing":          refuse(unusable),
		"exchange/issuer":                  refuse(unusable),
		"exchange/audience-missing":        refuse(unusable),
		"exchange/audience":                refuse(unusable),
		"exchange/subject-missing":         refuse(unusable),
		"exchange/subject":                 refuse(unusable),
		"exchange/federation-disabled":     refuse(unusable),
		"exchange/jwks-unreachable":        refuse("The keys of the issuer cannot be fetched."),
		"exchange/jwks-status":             refuse("The keys of the issuer cannot be fetched."),
		"exchange/jwks-malformed":          refuse("The keys of the issuer cannot be fetched."),
		"exchange/jwks-too-large":          refuse("The keys of the issuer cannot be fetched."),
		"exchange/jwks-private-address":    refuse("The keys of the issuer cannot be fetched."),
		"exchange/jwks-not-https":          refuse("The keys of the issuer cannot be fetched."),
		"exchange/service-account-unknown": refuse(unusable),
		"exchange/not-linked":              refuse(unusable),
		"exchange/service-account-status":  refuse(unusable),
		"exchange/service-account-expired": refuse(unusable),
		"exchange/preview":                 {Status: 400, Error: "access_denied", Text: "Workload identity federation is not available."},

		// metadata address of nodes
		"metadata/flavor-missing":   {Status: 403, Text: "The header Metadata-Flavor: Google is missing"},
		"metadata/not-enabled":      {Status: 404, Text: "Workload identity federation is not enabled"},
		"metadata/no-pod":           {Status: 404, Text: "No pod has this address"},
		"metadata/no-account":       {Status: 404, Text: "The service account of the pod names no IAM service account"},
		"metadata/exchange-refused": {Status: 403, Text: "The token of the pod is not accepted"},

		// API
		"api/not-found":                 {Code: "NOT_FOUND", Text: "%s not found"},
		"api/federation-in-use":         {Code: "FAILED_PRECONDITION", Text: "Federation %s has federated credentials"},
		"api/credential-exists":         {Code: "ALREADY_EXISTS", Text: "Federated credential for this subject already exists"},
		"api/access-policy":             {Code: "PERMISSION_DENIED", Text: "The access policy %s forbids the operation"},
		"api/subject-empty":             {Code: "", Text: ""}, // accepted
		"lockbox/inactive":              {Code: "FAILED_PRECONDITION", Text: "Secret %s is not active"},
		"lockbox/version-destroyed":     {Code: "FAILED_PRECONDITION", Text: "Version %s is destroyed"},
		"lockbox/version-not-active":    {Code: "FAILED_PRECONDITION", Text: "Version %s is scheduled for destruction"},
		"lockbox/version-not-scheduled": {Code: "FAILED_PRECONDITION", Text: "Version %s is not scheduled for destruction"},
		"lockbox/no-version":            {Code: "FAILED_PRECONDITION", Text: "Secret %s has no current version"},
		"lockbox/destroy-current":       {}, // accepted
		"lockbox/deletion-protection":   {Code: "FAILED_PRECONDITION", Text: "Secret %s is protected from deletion"},
		"lockbox/payload-too-large":     {Code: "INVALID_ARGUMENT", Text: "The payload of a version must not exceed 64 KB"},
		"lockbox/versions-limit":        {Code: "RESOURCE_EXHAUSTED", Text: "Secret %s has 1000 versions, the limit"},
		"lockbox/name-ambiguous":        {Code: "FAILED_PRECONDITION", Text: "There are several secrets named %s"},
		"kms/key-inactive":              {Code: "FAILED_PRECONDITION", Text: "Symmetric key %s is not active"},
		"kms/version-destroyed":         {Code: "FAILED_PRECONDITION", Text: "Version %s is destroyed"},
		"kms/version-not-active":        {Code: "FAILED_PRECONDITION", Text: "Version %s is scheduled for destruction"},
		"kms/version-not-scheduled":     {Code: "FAILED_PRECONDITION", Text: "Version %s is not scheduled for destruction"},
		"kms/destroy-primary":           {Code: "FAILED_PRECONDITION", Text: "Version %s is the primary version"},
		"kms/deletion-protection":       {Code: "FAILED_PRECONDITION", Text: "Symmetric key %s is protected from deletion"},
		"kms/ciphertext":                {Code: "INVALID_ARGUMENT", Text: "The ciphertext or its AAD context is invalid"},
		"k8s/wlif-needs-version":        {Code: "INVALID_ARGUMENT", Text: "Workload identity federation needs Kubernetes 1.30 or higher"},
		"k8s/wlif-needs-rapid":          {Code: "INVALID_ARGUMENT", Text: "Workload identity federation needs the RAPID release channel"},
		"k8s/version-not-available":     {Code: "INVALID_ARGUMENT", Text: "Kubernetes version %s is not available"},
		"k8s/wlif-preview":              {Code: "PERMISSION_DENIED", Text: "Workload identity federation is in preview; contact technical support to get access"},
		"k8s/node-group-without-wlif":   {Code: "FAILED_PRECONDITION", Text: "Workload identity federation is not enabled on cluster %s"},
		"k8s/service-account-no-role":   {Code: "FAILED_PRECONDITION", Text: "Service account %s has no role %s"},
		"vpc/in-use":                    {Code: "FAILED_PRECONDITION", Text: "%s is in use"},
		"k8s/exists":                    {Code: "ALREADY_EXISTS", Text: "%s already exists"},
		"k8s/busy":                      {Code: "FAILED_PRECONDITION", Text: "Another operation on %s is in progress"},
		"k8s/not-running":               {Code: "FAILED_PRECONDITION", Text: "Cluster %s is not running"},
		"k8s/not-stopped":               {Code: "FAILED_PRECONDITION", Text: "Cluster %s is not stopped"},
		"k8s/subnet-zone":               {Code: "INVALID_ARGUMENT", Text: "Subnet %s is not in zone %s"},
		"k8s/subnet-missing":            {Code: "INVALID_ARGUMENT", Text: "Subnet must be specified: zone %s of the network has none, or several"},
		"k8s/immutable":                 {Code: "UNIMPLEMENTED", Text: "The mock never changes %s"},
		"k8s/start-failed":              {Code: "INTERNAL", Text: "Cluster %s could not be started"},
		"k8s/change-failed":             {Code: "INTERNAL", Text: "Cluster %s could not be changed"},
		"k8s/node-failed":               {Code: "INTERNAL", Text: "Nodes of node group %s could not be started: %s"},
		"compute/restart-failed":        {Code: "INTERNAL", Text: "Instance %s could not be restarted: %s"},
		"k8s/discovery-document":        {Code: "", Text: ""}, // served beside jwks.json; any code: it is not
		"vpc/exists":                    {Code: "ALREADY_EXISTS", Text: "%s already exists"},
		"vpc/busy":                      {Code: "FAILED_PRECONDITION", Text: "Another operation on %s is in progress"},
		"vpc/zone-unknown":              {Code: "INVALID_ARGUMENT", Text: "Zone %s not found"},
		"vpc/cidr-overlap":              {Code: "FAILED_PRECONDITION", Text: "CIDR block %s overlaps with one of subnet %s"},
		"vpc/other-network":             {Code: "INVALID_ARGUMENT", Text: "%s is in another network"},
		"vpc/default-security-group":    {Code: "FAILED_PRECONDITION", Text: "Security group %s is the default one of its network"},
		"vpc/deletion-protected":        {Code: "FAILED_PRECONDITION", Text: "Address %s is protected from deletion"},
		"vpc/address-taken":             {Code: "FAILED_PRECONDITION", Text: "Address %s is not available"},
	}
}
