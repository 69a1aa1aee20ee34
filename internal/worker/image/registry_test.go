package image_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"hotcell"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/worker/image"
)

// asked are the requests that a registry got.
type asked struct {
	mu    sync.Mutex
	lines []string
}

func (a *asked) note(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.lines = append(a.lines, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		a.mu.Unlock()
		h.ServeHTTP(w, r)
	})
}

const password = "pw-4f9c27d1b6a83e50"

// locked lets those in who sign in.
func locked(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, given, _ := r.BasicAuth(); user != "ada" || given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="images"`)
			http.Error(w, "who are you? "+password, http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func TestWhoSignsInGetsTheImage(t *testing.T) {
	t.Parallel()
	img := made(t, map[string]string{"bin/sh": "x"})
	store := registry.New(registry.Logger(nopLog()))
	server := httptest.NewTLSServer(locked(store))
	t.Cleanup(server.Close)
	open := httptest.NewTLSServer(store)
	t.Cleanup(open.Close)
	ref, err := name.ParseReference(strings.TrimPrefix(open.URL, "https://") + "/acme/tool:1")
	if err == nil {
		err = remote.Write(ref, img, remote.WithTransport(open.Client().Transport))
	}
	if err != nil {
		t.Fatal(err)
	}
	reference := strings.TrimPrefix(server.URL, "https://") + "/acme/tool:1"
	transport := server.Client().Transport
	if _, err := (image.Registry{Transport: transport, Username: "ada", Password: password}).Pull(t.Context(), reference); err != nil {
		t.Error(err)
	}
	for _, from := range []image.Registry{{Transport: transport}, {Transport: transport, Username: "ada", Password: "another"}} {
		if _, err := from.Pull(t.Context(), reference); !errors.Is(err, hotcell.ErrDenied) || strings.Contains(err.Error(), password) {
			t.Errorf("%v", err)
		}
	}
}

// TestARegistryLeadsNowhereElse has one that sends who asks for a blob, or for a token,
// to an address that nobody named, or to a plain one.
func TestARegistryLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	var other asked
	inner := httptest.NewTLSServer(other.note(http.NotFoundHandler()))
	t.Cleanup(inner.Close)
	plainly := httptest.NewServer(other.note(http.NotFoundHandler()))
	t.Cleanup(plainly.Close)
	for what, wrap := range map[string]func(http.Handler) http.Handler{
		"blobs elsewhere": func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:") {
					http.Redirect(w, r, inner.URL+"/latest/meta-data", http.StatusTemporaryRedirect)
					return
				}
				h.ServeHTTP(w, r)
			})
		},
		"blobs without TLS": func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:") {
					http.Redirect(w, r, plainly.URL, http.StatusTemporaryRedirect)
					return
				}
				h.ServeHTTP(w, r)
			})
		},
		"tokens elsewhere": func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Pushing") == "" && r.Method == http.MethodGet {
					w.Header().Set("WWW-Authenticate", `Bearer realm="`+inner.URL+`/token",service="x"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				h.ServeHTTP(w, r)
			})
		},
		"tokens without TLS": func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Pushing") == "" && r.Method == http.MethodGet {
					w.Header().Set("WWW-Authenticate", `Bearer realm="`+plainly.URL+`/token",service="x"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				h.ServeHTTP(w, r)
			})
		},
	} {
		server := httptest.NewTLSServer(wrap(registry.New(registry.Logger(nopLog()))))
		t.Cleanup(server.Close)
		reference := strings.TrimPrefix(server.URL, "https://") + "/acme/tool:1"
		ref, err := name.ParseReference(reference)
		if err == nil {
			err = remote.Write(ref, made(t, map[string]string{"bin/sh": "x"}), remote.WithTransport(pushing{server.Client().Transport}))
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		// Only the registry's own address was named.
		at, _ := url.Parse(server.URL)
		private, err := netguard.ParsePrivate(at.Host)
		if err != nil {
			t.Fatal(err)
		}
		transport := netguard.Transport(netguard.New(netguard.Config{AllowPrivate: []netguard.Private{private}}), nil, netguard.Pool{})
		transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		content, err := image.Registry{Transport: transport, Username: "ada", Password: password}.Pull(t.Context(), reference)
		if err == nil {
			store, by := storeIn(t)
			_, err = store.Add(t.Context(), "tool", content, by)
		}
		if err == nil {
			t.Errorf("%s: it is taken", what)
		} else {
			t.Logf("%s: %v", what, err)
		}
	}
	if len(other.lines) > 0 {
		t.Errorf("the other one was asked: %q", other.lines)
	}
}

// pushing marks the requests by which a test puts an image there.
type pushing struct{ under http.RoundTripper }

func (p pushing) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Pushing", "yes")
	return p.under.RoundTrip(r)
}
