package kernel

import (
	"context"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// operations is what becomes of an operation before it starts.
type operations struct {
	change func(method string, op *Op)
}

func strictOperations() operations { return operations{change: func(string, *Op) {}} }

// operationBugs are the bugs that act on operations. They leave those alone that
// make something: a client that cannot learn an id from them learns nothing else.
var operationBugs = map[string]func(*operations){
	"OperationMetadataMissing": changing(func(op *Op) { op.Metadata = nil }),
	"OperationMetadataOfAnother": changing(func(op *Op) {
		op.Metadata = &oidc.CreateFederationMetadata{FederationId: op.On.ID}
	}),
	"OperationResponseMissing": changing(func(op *Op) {
		work := op.Work
		op.Work = func(ctx context.Context) (proto.Message, error) {
			_, err := work(ctx)
			return &emptypb.Empty{}, err
		}
	}),
}

// changing acts on the updates and deletions of federations.
func changing(change func(*Op)) func(*operations) {
	return func(p *operations) {
		p.change = func(method string, op *Op) {
			if strings.HasSuffix(method, "oidc.FederationService/Update") || strings.HasSuffix(method, "oidc.FederationService/Delete") {
				change(op)
			}
		}
	}
}
