package operation

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Server answers OperationService.
type Server struct {
	operation.UnimplementedOperationServiceServer
	Manager *Manager
	// MaySee says whether the caller of ctx may read an operation that another
	// started.
	MaySee func(ctx context.Context, info Info) bool
	// PollInterval is sent as x-operation-poll-interval (whole seconds; 0: not sent).
	PollInterval func() time.Duration
}

// Get answers with the operation as it stands.
func (s *Server) Get(ctx context.Context, req *operation.GetOperationRequest) (*operation.Operation, error) {
	op, info, ok := s.Manager.Get(req.OperationId)
	if !ok || !s.MaySee(ctx, info) {
		return nil, status.Errorf(codes.NotFound, "Operation %s not found", req.OperationId)
	}
	if every := s.PollInterval(); every > 0 {
		seconds := strconv.Itoa(int(math.Ceil(every.Seconds())))
		_ = grpc.SetHeader(ctx, metadata.Pairs("x-operation-poll-interval", seconds)) // fails only outside a call
	}
	return op, nil
}

// Cancel is refused: none of the mock's operations can be canceled.
func (s *Server) Cancel(ctx context.Context, req *operation.CancelOperationRequest) (*operation.Operation, error) {
	if _, info, ok := s.Manager.Get(req.OperationId); !ok || !s.MaySee(ctx, info) {
		return nil, status.Errorf(codes.NotFound, "Operation %s not found", req.OperationId)
	}
	return nil, status.Errorf(codes.FailedPrecondition, "Operation %s cannot be canceled", req.OperationId)
}
