package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"hotcell"
)

// Registry is how registries are asked.
type Registry struct {
	// Transport makes the requests: it decides which addresses may be dialled.
	Transport http.RoundTripper
	// Plain has the registry that is named be asked without TLS.
	Plain bool
	// Username and Password sign in; nobody does where both are empty.
	Username, Password string
}

// Host is the registry's host and port that a reference names.
func Host(reference string) (string, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return "", errReference(reference)
	}
	return ref.Context().RegistryStr(), nil
}

func errReference(reference string) error {
	return fmt.Errorf("%w: %q names no image: write REGISTRY/NAME:TAG, REGISTRY/NAME@sha256:…, oci:FOLDER or docker-archive:FILE", hotcell.ErrInvalid, shown(reference))
}

// Pull finds an image in its registry. What is kept of it is what its digest names,
// whatever its tag leads to later.
func (r Registry) Pull(ctx context.Context, reference string) (Content, error) {
	options := []name.Option{}
	if r.Plain {
		options = append(options, name.Insecure)
	}
	ref, err := name.ParseReference(reference, options...)
	if err != nil {
		return Content{}, errReference(reference)
	}
	var auth authn.Authenticator = authn.Anonymous
	if r.Username != "" || r.Password != "" {
		auth = &authn.Basic{Username: r.Username, Password: r.Password}
	}
	over := &overTLS{under: r.Transport}
	if r.Plain {
		over.plain = ref.Context().RegistryStr()
	}
	puller, err := remote.NewPuller(remote.WithAuth(auth), remote.WithTransport(over), remote.WithJobs(1))
	if err != nil {
		return Content{}, fmt.Errorf("asking the registry: %w", err)
	}
	c, err := find(ctx, &registry{puller, ref})
	c.Reference = ref.Name()
	return c, err
}

// overTLS refuses what would go without TLS, but to a registry for which that was said.
type overTLS struct {
	under http.RoundTripper
	plain string
}

// RoundTrip implements [http.RoundTripper].
func (o *overTLS) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && (o.plain == "" || r.URL.Host != o.plain) {
		return nil, fmt.Errorf("%w: %s would be asked without TLS: say --plain-http if that is meant", hotcell.ErrDenied, r.URL.Host)
	}
	return o.under.RoundTrip(r)
}

// registry is one repository.
type registry struct {
	puller *remote.Puller
	ref    name.Reference
}

func (r *registry) manifest(ctx context.Context, digest string) ([]byte, types.MediaType, error) {
	ref := r.ref
	if digest != "" {
		ref = r.ref.Context().Digest(digest)
	}
	got, err := r.puller.Get(ctx, ref)
	if err != nil {
		return nil, "", r.wrong(err)
	}
	return got.Manifest, got.MediaType, nil
}

func (r *registry) blob(ctx context.Context, digest v1.Hash, _ int64) (io.ReadCloser, error) {
	layer, err := r.puller.Layer(ctx, r.ref.Context().Digest(digest.String()))
	if err != nil {
		return nil, r.wrong(err)
	}
	body, err := layer.Compressed()
	if err != nil {
		return nil, r.wrong(err)
	}
	return body, nil
}

// wrong says what a registry answered, without its words: they are a stranger's.
func (r *registry) wrong(err error) error {
	host := r.ref.Context().RegistryStr()
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("%w: %s lets nobody have %s without signing in (--username, --password-file), or does not let this one", hotcell.ErrDenied, host, r.ref.Context().RepositoryStr())
		case http.StatusNotFound:
			return fmt.Errorf("%w: %s has no %s", hotcell.ErrNotFound, host, r.ref.Name())
		}
		return fmt.Errorf("%w: %s answers %d", hotcell.ErrUnavailable, host, answer.StatusCode)
	}
	if errors.Is(err, hotcell.ErrDenied) || errors.Is(err, hotcell.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", hotcell.ErrUnavailable, host, err)
}
