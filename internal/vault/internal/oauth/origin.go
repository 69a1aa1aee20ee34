package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/text/words"
	"hotcell/internal/wire/netguard"
)

// known are authorisation servers whose endpoints are at more than one origin, by
// their issuers' origins: as their makers document them.
var known = map[string][]string{
	"https://accounts.google.com":       {"https://oauth2.googleapis.com", "https://www.googleapis.com"},
	"https://sts.windows.net":           {"https://login.microsoftonline.com"},
	"https://login.microsoftonline.com": {"https://login.microsoft.com"},
	"https://cf.mcp.atlassian.com":      {"https://mcp.atlassian.com"},
	"https://mcp.atlassian.com":         {"https://cf.mcp.atlassian.com", "https://auth.atlassian.com"},
	"https://api.figma.com":             {"https://www.figma.com"},
	"https://www.paypal.com":            {"https://api-m.paypal.com"},
	"https://appleid.apple.com":         nil,
	"https://github.com":                {"https://api.github.com"},
	"https://slack.com":                 nil,
}

// origin is where an address leads, in one spelling: an https address without its
// usual port.
func origin(u *url.URL) string {
	return strings.ToLower(u.Scheme) + "://" + strings.TrimSuffix(strings.ToLower(u.Host), ":443")
}

// addressed is an endpoint as metadata names it.
type addressed struct {
	what, address string
	needed        bool
}

// endpoints holds the endpoints of an authorisation server against its issuer. A
// hostile server would name an honest one's page of consent beside a token endpoint of
// its own, and get the code of whoever agrees there: so they are all at the issuer's
// origin, or where the makers of a known server, or the operator, say that they are.
// Over more than one origin the answer must say who gives it (RFC 9207).
func (s *Service) endpoints(issuer *url.URL, iss bool, all []addressed) error {
	own := origin(issuer)
	apart := false
	for _, e := range all {
		if e.address == "" && !e.needed {
			continue
		}
		u, err := endpoint("its "+e.what, e.address)
		if err != nil {
			return err
		}
		at := origin(u)
		if at == own {
			continue
		}
		if !slices.Contains(known[own], at) && !slices.Contains(s.Issuers[own], at) {
			return refusedMetadata("its " + e.what + " is at " + words.Name(at) + ", and its authorisation server is " + words.Name(own) +
				": if both are one, the operator can say so by vault.issuers")
		}
		apart = true
	}
	if apart && !iss {
		return refusedMetadata("its authorisation server has endpoints at more than one origin, and does not say in its answers that they are its own (iss, RFC 9207)")
	}
	return nil
}

// from is the service as it asks on behalf of a resource that somebody named: what is
// at the resource's own origin is theirs to name, the rest is a stranger's word.
func (s *Service) from(resource *url.URL) *Service {
	out := *s
	out.named = origin(resource)
	return &out
}

// on is the service as it asks the endpoints of a grant.
func (s *Service) on(resource string) *Service {
	if u, err := url.Parse(resource); err == nil && resource != "" {
		return s.from(u)
	}
	return s
}

// transport is the way to an address: where a stranger named it, one that has the
// vault's own list of private addresses and no other.
func (s *Service) transport(to *url.URL) http.RoundTripper {
	if s.named == "" || s.Found == nil || origin(to) == s.named {
		return s.Transport
	}
	return s.Found
}

// unreached says why nobody answers at an address that a server names.
func unreached(err error) error {
	if blocked, ok := errors.AsType[*netguard.Refused](err); ok {
		return refusedMetadata("it leads to " + blocked.Reason)
	}
	if errors.Is(err, hotcell.ErrDenied) {
		return refusedMetadata("it leads to an address that may not be dialled")
	}
	return &Fault{Kind: Unavailable}
}
