package lockbox

import (
	"context"
	"encoding/base64"

	lockboxpb "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// policy is what is given out of which secret.
type policy struct {
	// missing is the answer for a secret that is not there.
	missing func(s *Lockbox, err error) (*lockboxpb.Payload, error)
	// open are the statuses of secrets, and of versions, that can be read.
	open     []lockboxpb.Secret_Status
	readable []lockboxpb.Version_Status
	// keeps: the payload of a destroyed version is still there.
	keeps bool
	// version is which one is read when one is asked for.
	version func(asked, current string) string
	// give has the last word on a payload, show on a secret.
	give func(*lockboxpb.Payload)
	show func(*lockboxpb.Secret)
	// activated is the status after an activation.
	activated lockboxpb.Secret_Status
	// limit of a version's payload in bytes.
	limit int
	// stays: a deleted secret is still there.
	stays bool
}

func strict() policy {
	return policy{
		missing:   func(_ *Lockbox, err error) (*lockboxpb.Payload, error) { return nil, err },
		open:      []lockboxpb.Secret_Status{lockboxpb.Secret_ACTIVE},
		readable:  []lockboxpb.Version_Status{lockboxpb.Version_ACTIVE},
		version:   func(asked, _ string) string { return asked },
		give:      func(*lockboxpb.Payload) {},
		show:      func(*lockboxpb.Secret) {},
		activated: lockboxpb.Secret_ACTIVE,
		limit:     maxPayload,
	}
}

// deviations are the bugs that act here.
var deviations = map[string]func(*policy){
	"UnknownSecretIsAnother": func(p *policy) { p.missing = another },
	"UnknownSecretIsEmpty": func(p *policy) {
		p.missing = func(*Lockbox, error) (*lockboxpb.Payload, error) { return &lockboxpb.Payload{}, nil }
	},
	"InactiveSecretReadable": func(p *policy) { p.open = append(p.open, lockboxpb.Secret_INACTIVE) },
	"DestroyedVersionReadable": func(p *policy) {
		p.keeps = true
		p.readable = append(p.readable, lockboxpb.Version_DESTROYED, lockboxpb.Version_SCHEDULED_FOR_DESTRUCTION)
	},
	"VersionIgnored":             func(p *policy) { p.version = func(_, current string) string { return current } },
	"VersionNotNamed":            giving(func(x *lockboxpb.Payload) { x.VersionId = "" }),
	"BinaryAsText":               giving(eachBinary(asText)),
	"BinaryEncodedTwice":         giving(eachBinary(encoded)),
	"SecretValueGetsNewline":     giving(withNewlines),
	"SecretKeysNotShown":         func(p *policy) { p.show = func(x *lockboxpb.Secret) { x.GetCurrentVersion().PayloadEntryKeys = nil } },
	"ReactivatedSecretStaysShut": func(p *policy) { p.activated = lockboxpb.Secret_INACTIVE },
	"PayloadSizeIgnored":         func(p *policy) { p.limit = 10 * maxPayload },
	"SecretDeleteDoesNothing":    func(p *policy) { p.stays = true },
}

func policyOf(ctx context.Context) policy { return kernel.PolicyOf(ctx, strict(), deviations) }

func giving(change func(*lockboxpb.Payload)) func(*policy) {
	return func(p *policy) { p.give = change }
}

// another takes the payload of the first secret that has one.
func another(s *Lockbox, err error) (*lockboxpb.Payload, error) {
	for _, row := range s.secrets.List(nil) {
		version := row.CurrentVersion.GetId()
		if sealed, ok := s.payloads.Get(version); ok && sealed.Key == "" {
			entries, err := sealed.entries()
			return &lockboxpb.Payload{VersionId: version, Entries: entries}, err
		}
	}
	return nil, err
}

func eachBinary(change func(*lockboxpb.Payload_Entry, []byte)) func(*lockboxpb.Payload) {
	return func(x *lockboxpb.Payload) {
		for _, e := range x.Entries {
			if v, ok := e.Value.(*lockboxpb.Payload_Entry_BinaryValue); ok {
				change(e, v.BinaryValue)
			}
		}
	}
}

func asText(e *lockboxpb.Payload_Entry, raw []byte) {
	e.Value = &lockboxpb.Payload_Entry_TextValue{TextValue: base64.StdEncoding.EncodeToString(raw)}
}

func encoded(e *lockboxpb.Payload_Entry, raw []byte) {
	e.Value = &lockboxpb.Payload_Entry_BinaryValue{BinaryValue: []byte(base64.StdEncoding.EncodeToString(raw))}
}

func withNewlines(x *lockboxpb.Payload) {
	for _, e := range x.Entries {
		if v, ok := e.Value.(*lockboxpb.Payload_Entry_TextValue); ok {
			v.TextValue += "\n"
		}
	}
}
