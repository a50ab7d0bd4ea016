package mockcloud

import (
	"testing"

	iamsvc "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
)

// A client can show the announced token and is told that it has expired, not
// that it is no token.
func TestTheAnnouncedTokenHasExpired(t *testing.T) {
	c := start(t)
	token := c.Announcement().ExpiredToken
	accounts := iamsvc.NewServiceAccountServiceClient(c.dial(t, grpc.WithPerRPCCredentials(bearer(token))))
	_, err := accounts.List(t.Context(), &iamsvc.ListServiceAccountsRequest{FolderId: c.World().FolderID})
	if status.Code(err) != codes.Unauthenticated || status.Convert(err).Message() != access.ErrTokenExpired.Error() {
		t.Errorf("error = %v", err)
	}
}
