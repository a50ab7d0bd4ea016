package nodeimage

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

const (
	// registryTimeout bounds the first request only: a machine without a registry
	// must not wait long to learn so.
	registryTimeout = 4 * time.Second
	pullTimeout     = 10 * time.Minute
)

// pull gets an image from the registry, and says why it did not.
func pull(ctx context.Context, reference string, say func(string)) (done bool) {
	if err := registryAnswers(ctx, registryOf(reference)); err != nil {
		say(fmt.Sprintf("image %s: no registry (%v)", reference, err))
		return false
	}
	say(fmt.Sprintf("image %s: pulling", reference))
	ctx, cancel := context.WithTimeoutCause(ctx, pullTimeout, fmt.Errorf("not done in %s", pullTimeout))
	defer cancel()
	if _, err := docker(ctx, nil, "pull", "--quiet", reference); err != nil {
		say(fmt.Sprintf("image %s: %v", reference, err))
		return false
	}
	return true
}

// registryOf is the URL of the registry that has an image.
func registryOf(reference string) string {
	parsed, err := name.ParseReference(reference)
	if err != nil {
		panic("nodeimage: the reference of an image is " + reference)
	}
	return parsed.Context().Scheme() + "://" + parsed.Context().RegistryStr() + "/v2/"
}

// registryAnswers is satisfied with any answer: whether the image is there, and for
// whom, is for Docker to find out.
func registryAnswers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, registryTimeout, fmt.Errorf("no answer in %s", registryTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return resp.Body.Close()
}
