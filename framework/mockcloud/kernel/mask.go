package kernel

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// ApplyMask copies the fields that mask names from an Update request to the row
// where both have them under one name. Without a mask every field that the
// request sets is copied (the proto: "if not set, all fields are updated" would
// also clear what a client left out; which of the two the real cloud does is not
// documented). rename maps a field of the request to the row's, or to "" when
// the service sets it itself.
func ApplyMask(row, req proto.Message, mask *fieldmaskpb.FieldMask, rename map[string]string) error {
	src, dst := req.ProtoReflect(), row.ProtoReflect()
	paths := mask.GetPaths()
	if len(paths) == 0 {
		src.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			paths = append(paths, string(f.Name()))
			return true
		})
	}
	for _, path := range paths {
		top, _, _ := strings.Cut(path, ".")
		if top == "update_mask" || (len(mask.GetPaths()) == 0 && strings.HasSuffix(top, "_id")) {
			continue
		}
		from := src.Descriptor().Fields().ByName(protoreflect.Name(top))
		if from == nil {
			return Errorf(codes.InvalidArgument, "Validation failed:\n  - update_mask: Unknown field %s", path)
		}
		name := top
		if to, ok := rename[top]; ok {
			if name = to; name == "" {
				continue
			}
		}
		to := dst.Descriptor().Fields().ByName(protoreflect.Name(name))
		if to == nil {
			return Errorf(codes.InvalidArgument, "Validation failed:\n  - update_mask: Field %s cannot be updated", path)
		}
		if src.Has(from) {
			dst.Set(to, src.Get(from))
		} else {
			dst.Clear(to)
		}
	}
	return nil
}
