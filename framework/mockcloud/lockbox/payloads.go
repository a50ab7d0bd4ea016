package lockbox

import (
	"cmp"
	"context"
	"slices"

	lockboxpb "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

const permissionPayload = "lockbox.payloads.get"

// payload is the content of a version: a marshalled Payload message, encrypted
// when Key names the KMS key it was encrypted with.
type payload struct {
	Key  string `json:"key,omitempty"`
	Data []byte `json:"data"`
}

func (s *Lockbox) seal(caller access.Subject, secret *lockboxpb.Secret, entries []*lockboxpb.Payload_Entry) (payload, error) {
	data, err := proto.Marshal(&lockboxpb.Payload{Entries: entries})
	if err != nil || secret.KmsKeyId == "" {
		return payload{Data: data}, err
	}
	data, err = s.cipher.Encrypt(caller, secret.KmsKeyId, []byte(secret.Id), data)
	return payload{Key: secret.KmsKeyId, Data: data}, err
}

// open reads the entries of a version. A reader of an encrypted secret needs a
// right to its key too (docs: "Secret encryption using Key Management Service").
func (s *Lockbox) open(caller access.Subject, secret *lockboxpb.Secret, version *lockboxpb.Version) ([]*lockboxpb.Payload_Entry, error) {
	sealed, ok := s.payloads.Get(version.Id)
	if !ok {
		return nil, s.k.Guess("lockbox/version-destroyed", version.Id)
	}
	if sealed.Key != "" {
		var err error
		if sealed.Data, err = s.cipher.Decrypt(caller, sealed.Key, []byte(secret.Id), sealed.Data); err != nil {
			return nil, err
		}
	}
	return sealed.entries()
}

// entries reads a payload that is not encrypted, or no more.
func (p payload) entries() ([]*lockboxpb.Payload_Entry, error) {
	var content lockboxpb.Payload
	err := proto.Unmarshal(p.Data, &content)
	return content.Entries, err
}

// applyChanges lays changes over the entries of a base version: a change with a
// value sets its key, one without removes it (a guess; the API has no other way
// to remove a key).
func applyChanges(base []*lockboxpb.Payload_Entry, changes []*lockboxpb.PayloadEntryChange) ([]*lockboxpb.Payload_Entry, error) {
	out := slices.Clone(base)
	seen := map[string]bool{}
	for _, c := range changes {
		if seen[c.Key] {
			return nil, invalid("payload_entries", "Key %s is given twice", c.Key)
		}
		seen[c.Key] = true
		at := slices.IndexFunc(out, func(e *lockboxpb.Payload_Entry) bool { return e.Key == c.Key })
		entry := &lockboxpb.Payload_Entry{Key: c.Key}
		switch v := c.Value.(type) {
		case *lockboxpb.PayloadEntryChange_TextValue:
			entry.Value = &lockboxpb.Payload_Entry_TextValue{TextValue: v.TextValue}
		case *lockboxpb.PayloadEntryChange_BinaryValue:
			entry.Value = &lockboxpb.Payload_Entry_BinaryValue{BinaryValue: v.BinaryValue}
		default:
			if at < 0 {
				return nil, invalid("payload_entries", "Key %s has no value", c.Key)
			}
			out = slices.Delete(out, at, at+1)
			continue
		}
		if at >= 0 {
			out[at] = entry
		} else {
			out = append(out, entry)
		}
	}
	return out, nil
}

type payloadServer struct {
	lockboxpb.UnimplementedPayloadServiceServer
	*Lockbox
}

func (s *payloadServer) Get(ctx context.Context, req *lockboxpb.GetPayloadRequest) (*lockboxpb.Payload, error) {
	secret, err := s.secret(req.SecretId)
	if err != nil {
		return policyOf(ctx).missing(s.Lockbox, err)
	}
	return s.read(ctx, secret, req.VersionId)
}

func (s *payloadServer) GetEx(ctx context.Context, req *lockboxpb.GetExRequest) (*lockboxpb.GetExResponse, error) {
	var secret *lockboxpb.Secret
	var err error
	if by := req.GetFolderAndName(); by != nil {
		secret, err = s.named(ctx, by)
	} else {
		secret, err = s.secret(req.GetSecretId())
	}
	if err != nil {
		return nil, err
	}
	content, err := s.read(ctx, secret, req.VersionId)
	if err != nil {
		return nil, err
	}
	resp := &lockboxpb.GetExResponse{SecretId: secret.Id, VersionId: content.VersionId, Entries: map[string][]byte{}}
	for _, e := range content.Entries {
		resp.Entries[e.Key] = append([]byte(e.GetTextValue()), e.GetBinaryValue()...)
	}
	return resp, nil
}

// named finds a secret by its name among those that the caller may read: to
// others its existence is not told.
func (s *payloadServer) named(ctx context.Context, by *lockboxpb.FolderAndName) (*lockboxpb.Secret, error) {
	found := s.secrets.List(func(x *lockboxpb.Secret) bool { return x.FolderId == by.FolderId && x.Name == by.SecretName })
	var denied error
	found = slices.DeleteFunc(found, func(x *lockboxpb.Secret) bool {
		on := state.Ref{Type: KindSecret, ID: x.Id}
		if s.k.Allowed(ctx, permissionPayload, on) {
			return false
		}
		denied = s.k.Denied(access.Need{Permission: permissionPayload, On: on})
		return true
	})
	switch {
	case len(found) > 1:
		return nil, s.k.Guess("lockbox/name-ambiguous", by.SecretName)
	case len(found) == 1:
		return s.shown(found[0]), nil
	case denied != nil:
		return nil, denied
	}
	return nil, s.k.NotFound(KindSecret, by.SecretName)
}

// read is the payload of a version, of the current one if none is named.
func (s *payloadServer) read(ctx context.Context, secret *lockboxpb.Secret, versionID string) (*lockboxpb.Payload, error) {
	p := policyOf(ctx)
	if !slices.Contains(p.open, secret.Status) {
		if err := s.k.Guess("lockbox/inactive", secret.Id); err != nil {
			return nil, err
		}
	}
	current := secret.CurrentVersion.GetId()
	if versionID = p.version(cmp.Or(versionID, current), current); versionID == "" {
		return nil, s.k.Guess("lockbox/no-version", secret.Id)
	}
	version, err := s.readable(ctx, secret, versionID)
	if err != nil {
		return nil, err
	}
	entries, err := s.open(kernel.CallOf(ctx).Caller, secret, version)
	content := &lockboxpb.Payload{VersionId: version.Id, Entries: entries}
	p.give(content)
	return content, err
}
