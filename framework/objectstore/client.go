package objectstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// region is the one of the documentation's S3 examples. Nothing depends on it:
// requests are not signed.
const region = "ru-central1"

// Options say where the storage is and as whom it is called.
type Options struct {
	// Endpoint is the URL of the S3 API (configuration key storage_endpoint).
	Endpoint string
	// Token gives the IAM token of each request, such as (*cloud.Client).IAMToken.
	Token func(context.Context) (cloud.Token, error)
	// UserAgent names the caller, such as (*cloud.Client).UserAgent.
	UserAgent string
	// HTTP defaults to http.DefaultClient. Its redirects are not followed: the
	// requests carry a token.
	HTTP *http.Client
}

// Client is safe for concurrent use. Its errors are *cloud.Error and say nothing
// of what was being done; time limits come from the context.
type Client struct {
	endpoint *url.URL
	s3       *s3.Client
}

// New makes a client. It calls nobody.
func New(o Options) (*Client, error) {
	at, err := url.Parse(o.Endpoint)
	if err != nil || at.Scheme != "https" || at.Host == "" {
		return nil, fmt.Errorf("object storage at %q: not an https:// URL; set storage_endpoint", o.Endpoint)
	}
	direct := *cmp.Or(o.HTTP, http.DefaultClient)
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTP = &direct
	// Made of options alone: the SDK's own configuration would read AWS_* of the
	// environment, credentials and a CA bundle of another cloud among them.
	return &Client{endpoint: at, s3: s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(o.Endpoint), UsePathStyle: true,
		Credentials: aws.AnonymousCredentials{}, HTTPClient: bearer{o},
		// Checksums that are not required are an extension that other storages refuse.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})}, nil
}

// bearer is a transport for requests that the SDK leaves unsigned: the token says
// who calls.
type bearer struct{ o Options }

func (b bearer) Do(request *http.Request) (*http.Response, error) {
	token, err := b.o.Token(request.Context())
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	request.Header.Set("User-Agent", b.o.UserAgent)
	return b.o.HTTP.Do(request) //nolint:gosec // G704: the request is to the endpoint that the user configured
}

// Discover asks the cloud where its S3 API is.
func Discover(ctx context.Context, c *cloud.Client) (string, error) {
	found, err := c.Endpoints().Get(ctx, &endpoint.GetApiEndpointRequest{ApiEndpointId: "storage"})
	if err != nil {
		return "", cloud.While(err, "asking for the address of the object storage")
	}
	return "https://" + found.GetAddress(), nil
}

// URL is where everybody may fetch an object of a public bucket.
func (c *Client) URL(bucket, key string) string { return c.endpoint.JoinPath(bucket, key).String() }

// Put uploads an object, in the place of one with the same key, and returns its URL.
func (c *Client) Put(ctx context.Context, bucket, key, contentType string, body []byte) (string, error) {
	_, err := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, ContentType: &contentType, Body: bytes.NewReader(body)})
	if err != nil {
		return "", translate("PutObject", err)
	}
	return c.URL(bucket, key), nil
}

// Delete deletes an object. One that is not there is gone.
func (c *Client) Delete(ctx context.Context, bucket, key string) error {
	_, err := c.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	return translate("DeleteObject", err)
}

// Empty deletes every object of a bucket, one by one: deleting many by one call
// wants a checksum of the request on whose algorithm storages differ.
func (c *Client) Empty(ctx context.Context, bucket string) error {
	pages := s3.NewListObjectsV2Paginator(c.s3, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return translate("ListObjectsV2", err)
		}
		for _, object := range page.Contents {
			if err := c.Delete(ctx, bucket, aws.ToString(object.Key)); err != nil {
				return err
			}
		}
	}
	return nil
}
