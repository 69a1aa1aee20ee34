package oauth

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/text/words"
)

// maxMetadata is how long a document of metadata may be, in bytes.
const maxMetadata = 256 << 10

// Found is an authorisation server as a protected resource names it.
type Found struct {
	hotcell.Endpoints
	// Scopes are those that the resource asks for; nil where it does not say.
	Scopes []string
}

// Discover finds out who gives tokens for a resource: by its challenge and its own
// metadata (RFC 9728), then by the server's (RFC 8414, OpenID Connect Discovery), in
// the order of MCP 2025-11-25; a resource without metadata of its own has its origin
// for a server, as MCP 2025-03-26 had it. Everything in them is a stranger's word: it is refused
// where it names another resource or issuer than the one that was asked, an endpoint
// without TLS or at another origin than the issuer's, or a server without proof keys.
// The tokens will be asked for the resource itself, and for nothing wider.
func (s *Service) Discover(ctx context.Context, resource string) (*Found, error) {
	at, err := endpoint("the server", resource)
	if err != nil {
		return nil, err
	}
	s = s.from(at)
	var own struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
		Scopes   []string `json:"scopes_supported"`
	}
	challenge, scopes := s.challenge(ctx, at)
	places := wellKnown(at, "oauth-protected-resource")
	if challenge != "" {
		// A server names metadata of its own, and not of another.
		u, err := endpoint("the server's metadata", challenge)
		if err != nil {
			return nil, err
		}
		if u.Host != at.Host {
			return nil, refusedMetadata("it names metadata at another host than its own")
		}
		places = []string{challenge}
	}
	switch found, err := s.first(ctx, places, &own); {
	case err != nil:
		return nil, err
	case !found && challenge != "":
		return nil, refusedMetadata("its metadata is not where it says")
	case !found:
		own.Resource, own.Servers = resource, []string{at.Scheme + "://" + at.Host}
	}
	switch {
	case own.Resource != resource: // RFC 9728, section 3.3: as it stands
		return nil, refusedMetadata("its metadata is of another resource" + instead(own.Resource, at))
	case len(own.Servers) == 0:
		return nil, refusedMetadata("it names no authorisation server")
	}
	out := &Found{Scopes: own.Scopes}
	if len(scopes) > 0 {
		out.Scopes = scopes
	}
	if !slices.ContainsFunc(out.Scopes, func(scope string) bool { return !scopeToken.MatchString(scope) }) && len(out.Scopes) <= 100 {
		out.Resource = resource
		return out, s.server(ctx, own.Servers[0], &out.Endpoints)
	}
	return nil, refusedMetadata("its scopes are none")
}

// scopeToken is RFC 6749's, section 3.3.
var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,256}$`)

func refusedMetadata(reason string) error {
	return hotcell.Invalid("/settings/url", "this server cannot be signed in to: %s", reason)
}

// server reads the metadata of an authorisation server.
func (s *Service) server(ctx context.Context, issuer string, into *hotcell.Endpoints) error {
	at, err := endpoint("its authorisation server", issuer)
	if err != nil {
		return err
	}
	var m struct {
		Issuer        string   `json:"issuer"`
		Authorization string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		Revocation    string   `json:"revocation_endpoint"`
		Registration  string   `json:"registration_endpoint"`
		Device        string   `json:"device_authorization_endpoint"`
		Introspection string   `json:"introspection_endpoint"`
		Pushed        string   `json:"pushed_authorization_request_endpoint"`
		Challenges    []string `json:"code_challenge_methods_supported"`
		Grants        []string `json:"grant_types_supported"`
		Responses     []string `json:"response_types_supported"`
		Iss           bool     `json:"authorization_response_iss_parameter_supported"`
		Shows         []string `json:"token_endpoint_auth_methods_supported"`
	}
	places := append(wellKnown(at, "oauth-authorization-server"), wellKnown(at, "openid-configuration")...)
	if path := strings.TrimSuffix(at.Path, "/"); path != "" {
		places = append(places, at.Scheme+"://"+at.Host+path+"/.well-known/openid-configuration")
	}
	switch found, err := s.first(ctx, places, &m); {
	case err != nil:
		return err
	case !found:
		return refusedMetadata("it says nowhere how; if it takes a key, give that with --api-key-file")
	}
	switch {
	case !SameIssuer(m.Issuer, issuer):
		return refusedMetadata("its authorisation server says that it is another")
	case m.Challenges == nil && !slices.Contains(s.ProofKeys, origin(at)):
		return refusedMetadata("its authorisation server does not say that it takes proof keys (PKCE, S256): if it does, the operator can say so by vault.proof_keys")
	case m.Challenges != nil && !slices.Contains(m.Challenges, "S256"):
		return refusedMetadata("its authorisation server takes no proof keys (PKCE, S256)")
	case m.Grants != nil && !slices.Contains(m.Grants, "authorization_code"), m.Responses != nil && !slices.Contains(m.Responses, "code"):
		return refusedMetadata("its authorisation server gives no codes")
	}
	if err := s.endpoints(at, m.Iss, []addressed{
		{"page of consent", m.Authorization, true}, {"token endpoint", m.Token, true}, {"revocation endpoint", m.Revocation, false},
		{"registration endpoint", m.Registration, false}, {"device authorisation endpoint", m.Device, false}, {"introspection endpoint", m.Introspection, false},
		{"endpoint for pushed requests", m.Pushed, false},
	}); err != nil {
		return err
	}
	into.Iss, into.Shows = m.Iss, shows(m.Shows)
	into.Issuer, into.Authorize, into.Token, into.Revoke, into.Register = m.Issuer, m.Authorization, m.Token, m.Revocation, m.Registration
	return nil
}

// shows is how a client with a secret shows itself; what RFC 8414 says where nothing is
// said.
func shows(methods []string) string {
	if len(methods) > 0 && !slices.Contains(methods, "client_secret_basic") && slices.Contains(methods, "client_secret_post") {
		return "post"
	}
	return "basic"
}

// Issuer is the authorisation server that an address stands for: the one that gives
// tokens for it, or itself.
func (s *Service) Issuer(ctx context.Context, address string) (string, error) {
	found, err := s.Discover(ctx, address)
	if err == nil {
		return found.Issuer, nil
	}
	var own hotcell.Endpoints
	if at, wrong := endpoint("the server", address); wrong == nil && s.from(at).server(ctx, address, &own) == nil {
		return own.Issuer, nil
	}
	return "", err
}

// endpoint reads an address that a stranger gave: HTTPS, to a host, and nothing that
// could be read in two ways.
func endpoint(what, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || words.Name(u.Host) != u.Host || u.User != nil || u.Fragment != "" || u.Opaque != "" || len(text) > 2048 || strings.ContainsAny(text, " \\\t\r\n#") {
		return nil, refusedMetadata(what + " is no https address, written in ASCII")
	}
	return u, nil
}

// instead says by which address of the same host a server is connected whose metadata
// is of that; empty where it names none there.
func instead(resource string, at *url.URL) string {
	u, err := endpoint("the resource", resource)
	if err != nil || origin(u) != origin(at) {
		return ""
	}
	return ": if it is that one that you mean, connect " + words.Name(words.Clip(resource, maxSaid))
}

const maxSaid = 200

// wellKnown are where the metadata of an address is: with its path after the
// well-known part, then without (RFC 9728 section 3.1, RFC 8414 section 3.1).
func wellKnown(at *url.URL, name string) []string {
	root := at.Scheme + "://" + at.Host + "/.well-known/" + name
	if path := strings.TrimSuffix(at.EscapedPath(), "/"); path != "" {
		return []string{root + path, root}
	}
	return []string{root}
}

// SameIssuer says whether two names are one issuer's: they are equal, but for the final
// slash of an empty path, which servers write in one place and not in the other.
func SameIssuer(a, b string) bool { return bare(a) == bare(b) }

// bare is an issuer without the slash of an empty path.
func bare(issuer string) string {
	if u, err := url.Parse(issuer); err == nil && u.Host != "" && u.Path == "/" && u.RawQuery == "" && u.Fragment == "" {
		return strings.TrimSuffix(issuer, "/")
	}
	return issuer
}

// first reads the first document that there is, and says whether there is one.
func (s *Service) first(ctx context.Context, places []string, into any) (found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	for _, place := range places {
		if found, err = s.document(ctx, place, into, maxRedirects); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// maxRedirects is how many redirects to one document are followed.
const maxRedirects = 3

// document reads one, if it is there. Redirects are followed at the same origin.
func (s *Service) document(ctx context.Context, place string, into any, redirects int) (bool, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return false, refusedMetadata("its metadata is at no address")
	}
	r.Header.Set("Accept", "application/json")
	answer, err := s.transport(r.URL).RoundTrip(r)
	if err != nil {
		return false, unreached(err)
	}
	defer func() { _ = answer.Body.Close() }()
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode/100 == 3:
		to, err := answer.Location()
		switch {
		case err != nil || origin(to) != origin(r.URL) || to.User != nil:
			return false, refusedMetadata("its metadata is a redirect to another server, which is not followed")
		case redirects == 0:
			return false, refusedMetadata("its metadata is one redirect after the other")
		}
		return s.document(ctx, to.String(), into, redirects-1)
	case answer.StatusCode != http.StatusOK:
		return false, nil
	case kind != "application/json":
		return false, nil // a page for people
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxMetadata+1))
	if err != nil || len(text) > maxMetadata || json.Unmarshal(text, into) != nil {
		return false, refusedMetadata("its metadata cannot be read")
	}
	return true, nil
}
