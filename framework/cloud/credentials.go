package cloud

import (
	"errors"
	"fmt"
	"strings"

	"github.com/yandex-cloud/go-sdk/v2/credentials"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// sdkCredentials turns the configured way into the SDK's type. YC_TOKEN holds
// either kind of token, as in the Terraform provider: IAM tokens begin with t1.
func sdkCredentials(c config.Credentials) (credentials.Credentials, error) {
	switch {
	case !c.IAMToken.IsZero():
		return credentials.IAMToken(c.IAMToken.Reveal()), nil
	case strings.HasPrefix(c.Token.Reveal(), "t1."):
		return credentials.IAMToken(c.Token.Reveal()), nil
	case !c.Token.IsZero():
		// The cloud means to give them up at the end of 2026; until then a user may
		// have nothing else.
		return credentials.OAuthToken(c.Token.Reveal()), nil //nolint:staticcheck // see above
	case c.KeyFile != "":
		key, err := credentials.ServiceAccountKeyFile(c.KeyFile)
		if err != nil {
			// The SDK's text may quote the file's content.
			return nil, fmt.Errorf("reading the authorized key %s: not a usable key file (expected the JSON of `yc iam key create`)", c.KeyFile)
		}
		return key, nil
	case c.InstanceMetadata:
		return credentials.InstanceServiceAccount(), nil
	default:
		return nil, errors.New("no credentials: set YC_TOKEN, YC_IAM_TOKEN, YC_SERVICE_ACCOUNT_KEY_FILE or --instance-metadata")
	}
}
