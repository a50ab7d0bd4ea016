package mockcloud

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	storagepb "github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

var ofSecrets = map[string]behaviour{
	"VersionIgnored":             {formerVersion, "read one", "read two"},
	"VersionNotNamed":            {versionNamed, "named", "not named"},
	"BinaryAsText":               {binaryValue, "binary \x00\xff", "text AP8="},
	"BinaryEncodedTwice":         {binaryValue, "binary \x00\xff", "binary AP8="},
	"InactiveSecretReadable":     {inactiveSecret, "FailedPrecondition", "read value"},
	"ReactivatedSecretStaysShut": {reactivatedSecret, "read value", "FailedPrecondition"},
	"DestroyedVersionReadable":   {destroyedVersion, "FailedPrecondition", "read one"},
	"UnknownSecretIsAnother":     {unknownSecret, "NotFound", "read another's"},
	"UnknownSecretIsEmpty":       {unknownSecret, "NotFound", "read nothing"},
	"PayloadSizeIgnored":         {tooLarge, "InvalidArgument InvalidArgument", "OK OK"},
	"PayloadKeyPatternIgnored":   {keyPattern, "InvalidArgument", "OK"},
	"KMSRoleNotNeeded":           {sealedSecret, "PermissionDenied", "read value"},
	"SecretValueGetsNewline":     {roleOnFolder, "read value", "read value\n"},
	"SecretKeysNotShown":         {secretKeys, "[key]", "[]"},
	"SecretDeleteDoesNothing":    {deletedSecret, "NotFound", "OK"},
}

func formerVersion(p *place) string {
	secret := p.secret(text("key", "one"))
	p.addVersion(secret.Id, "two")
	return p.read(p.reader(), secret.Id, secret.CurrentVersion.Id)
}

func (p *place) addVersion(id, value string) {
	p.Helper()
	op, err := p.secrets().AddVersion(p.Context(), &lockbox.AddVersionRequest{SecretId: id, PayloadEntries: []*lockbox.PayloadEntryChange{text("key", value)}})
	must[*lockbox.Version](p.T, op, err)
}

// payload reads one as the folder's reader.
func (p *place) payload(secret string) *lockbox.Payload {
	p.Helper()
	got, err := lockbox.NewPayloadServiceClient(p.cloud.as(p.T, p.reader())).Get(p.Context(), &lockbox.GetPayloadRequest{SecretId: secret})
	if err != nil {
		p.Fatal(err)
	}
	return got
}

func versionNamed(p *place) string {
	secret := p.secret()
	if p.payload(secret.Id).VersionId == secret.CurrentVersion.Id {
		return "named"
	}
	return "not named"
}

func binaryValue(p *place) string {
	switch e := p.payload(p.secret(binary("key", []byte{0, 255})).Id).Entries[0]; v := e.Value.(type) {
	case *lockbox.Payload_Entry_TextValue:
		return "text " + v.TextValue
	default:
		return "binary " + string(e.GetBinaryValue())
	}
}

func (p *place) deactivate(id string) {
	p.Helper()
	op, err := p.secrets().Deactivate(p.Context(), &lockbox.DeactivateSecretRequest{SecretId: id})
	must[*lockbox.Secret](p.T, op, err)
}

func inactiveSecret(p *place) string {
	secret := p.secret()
	p.deactivate(secret.Id)
	return p.read(p.reader(), secret.Id, "")
}

func reactivatedSecret(p *place) string {
	secret := p.secret()
	p.deactivate(secret.Id)
	op, err := p.secrets().Activate(p.Context(), &lockbox.ActivateSecretRequest{SecretId: secret.Id})
	must[*lockbox.Secret](p.T, op, err)
	return p.read(p.reader(), secret.Id, "")
}

func destroyedVersion(p *place) string {
	secret := p.secret(text("key", "one"))
	p.addVersion(secret.Id, "two")
	op, err := p.secrets().ScheduleVersionDestruction(p.Context(), &lockbox.ScheduleVersionDestructionRequest{SecretId: secret.Id, VersionId: secret.CurrentVersion.Id, PendingPeriod: durationpb.New(0)})
	must[*lockbox.Version](p.T, op, err)
	got, err := p.secrets().ListVersions(p.Context(), &lockbox.ListVersionsRequest{SecretId: secret.Id})
	if err != nil || got.Versions[0].Status != lockbox.Version_DESTROYED {
		p.Fatalf("the version is %v, %v", got, err)
	}
	return p.read(p.reader(), secret.Id, secret.CurrentVersion.Id)
}

func unknownSecret(p *place) string {
	p.secret()
	switch got := p.read(p.reader(), "e6qthereisnosuchone0", ""); {
	case got == "read ":
		return "read nothing"
	case strings.HasPrefix(got, "read "):
		return "read another's"
	default:
		return got
	}
}

// tooLarge tries one value over the limit, and two that are over it together.
func tooLarge(p *place) string {
	var out []string
	for _, values := range [][]*lockbox.PayloadEntryChange{
		{text("key", strings.Repeat("x", 1<<16+1))},
		{text("one", strings.Repeat("x", 1<<15)), text("two", strings.Repeat("x", 1<<15+1))},
	} {
		_, err := p.secrets().Create(p.Context(), &lockbox.CreateSecretRequest{FolderId: p.folder, VersionPayloadEntries: values})
		out = append(out, status.Code(err).String())
	}
	return strings.Join(out, " ")
}

func keyPattern(p *place) string {
	_, err := p.secrets().Create(p.Context(), &lockbox.CreateSecretRequest{FolderId: p.folder, VersionPayloadEntries: []*lockbox.PayloadEntryChange{text("no key", "v")}})
	return status.Code(err).String()
}

func sealedSecret(p *place) string {
	return p.read(p.reader(), p.sealed().Id, "")
}

func secretKeys(p *place) string {
	got, err := p.secrets().Get(p.Context(), &lockbox.GetSecretRequest{SecretId: p.secret().Id})
	if err != nil {
		p.Fatal(err)
	}
	return fmt.Sprint(got.CurrentVersion.PayloadEntryKeys)
}

func deletedSecret(p *place) string {
	secret := p.secret()
	op, err := p.secrets().Delete(p.Context(), &lockbox.DeleteSecretRequest{SecretId: secret.Id})
	must[*lockbox.Secret](p.T, op, err)
	_, err = p.secrets().Get(p.Context(), &lockbox.GetSecretRequest{SecretId: secret.Id})
	return status.Code(err).String()
}

var ofREST = map[string]behaviour{
	"RESTSnakeCase":       {restFields, "entries key textValue versionId", "entries key text_value version_id"},
	"RESTWithoutVersion":  {restFields, "entries key textValue versionId", "entries key textValue"},
	"RESTIsBinaryForCurl": {restEncoding, "application/json", "application/octet-stream"},
	"GRPCKnowsNoAccounts": {byBoth, "REST 200, gRPC read value", "REST 200, gRPC Unauthenticated"},
	"RESTRefusalIsText":   {restRefusal, "403 application/json", "403 text/plain; charset=utf-8"},
	"RESTRefusalIs200":    {restRefusal, "403 application/json", "200 application/json"},
}

func restFields(p *place) string {
	code, body, _ := p.rest(p.reader(), p.secret().Id)
	if code != http.StatusOK {
		return body
	}
	var names []string
	for _, m := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(body, -1) {
		names = append(names, m[1])
	}
	return sorted(names)
}

// restEncoding asks as curl does.
func restEncoding(p *place) string {
	_, _, header := p.http(http.MethodGet, payloadOf(p.secret().Id), p.token(p.reader()), "", "Accept", "*/*")
	return header.Get("Content-Type")
}

func byBoth(p *place) string {
	s, secret := p.reader(), p.secret().Id
	code, _, _ := p.rest(s, secret)
	return fmt.Sprintf("REST %d, gRPC %s", code, p.read(s, secret, ""))
}

func restRefusal(p *place) string {
	code, _, header := p.rest(p.account(), p.secret().Id)
	return fmt.Sprint(code, " ", header.Get("Content-Type"))
}

var ofStorage = map[string]behaviour{
	"PrivateObjectsReadable":   {anonymousRead, "403", "200 one"},
	"OverwrittenObjectIsStale": {rewritten, "200 two", "200 one"},
}

// put stores an object in a bucket of the folder and returns its address.
func (p *place) put(values ...string) string {
	p.Helper()
	bucket := strings.ToLower(p.name())
	if _, err := storagepb.NewBucketServiceClient(p.conn).Create(p.Context(), &storagepb.CreateBucketRequest{Name: bucket, FolderId: p.folder}); err != nil {
		p.Fatal(err)
	}
	address := "https://storage.yandexcloud.net/" + bucket + "/object"
	for _, value := range values {
		if code, body, _ := p.http(http.MethodPut, address, p.token(p.cloud.World().Owner), value); code != http.StatusOK {
			p.Fatalf("put: %d %s", code, body)
		}
	}
	return address
}

func anonymousRead(p *place) string {
	code, body, _ := p.http(http.MethodGet, p.put("one"), "", "")
	if code != http.StatusOK {
		return fmt.Sprint(code)
	}
	return fmt.Sprint(code, " ", body)
}

func rewritten(p *place) string {
	code, body, _ := p.http(http.MethodGet, p.put("one", "two"), p.token(p.cloud.World().Owner), "")
	return fmt.Sprint(code, " ", body)
}
