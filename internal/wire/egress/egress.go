// Package egress decides what may leave a cell: which host and port, by which
// request, with which credential on it. It is pure; a gateway asks it for each
// connection and each request, the vault once more for each use of a
// credential, and `hotcell explain` for what would happen.
//
// It does not look into bodies (package guard does) and resolves no name
// (package netguard does). One way to use it:
//
//	v := egress.Rules{Allow: grant.Allow, Uses: grant.Uses}.Request("api.stripe.com", 443, "POST", "/v1/charges")
//	if !v.Allowed { … v.Reason … }
package egress

import (
	"cmp"
	"fmt"
	"slices"

	"hotcell"
	"hotcell/internal/text/site"
	"hotcell/internal/wire/place"
)

// Rules are what one job may reach and use.
type Rules struct {
	Allow []hotcell.Allow
	Uses  []hotcell.Use
	// Models are the operator's word on model hosts.
	Models Models
	// Browser is true for what the job's browser does: it may reach the sites of
	// the job's logins, and no protocol but HTTPS.
	Browser bool
	// TCP says whether the operator lets an entry pass unguarded; nil lets none.
	TCP func(hotcell.Allow) bool
}

// Verdict is what is decided.
type Verdict struct {
	Allowed bool
	// Reason says why not.
	Reason string
	// Rule names what allows it: an entry of the allow-list, or an attachment.
	Rule string
	// Protocol is what may be spoken there.
	Protocol hotcell.Protocol
	// Uses are the attachments whose credentials the vault puts on; none for most
	// requests, and two where a service wants two keys.
	Uses []*hotcell.Use
	// Model is true for a model host, to which nothing of a value may go; Account where
	// that may be reached by an attached account's key alone.
	Model, Account bool
}

func refused(format string, args ...any) Verdict {
	return Verdict{Reason: fmt.Sprintf(format, args...)}
}

// NotListed is why a host that nothing allows is refused.
const NotListed = "the host and port are not in the assignment's allow-list"

// Connection decides on a connection.
func (r Rules) Connection(host string, port int) Verdict {
	model, word := r.Model(host, port)
	if model && word == NoWord {
		return refused("%s", r.Undeclared(host, port))
	}
	v := Verdict{Allowed: true, Model: model, Account: model && word == OfAccount, Protocol: hotcell.ProtocolHTTPS}
	if use := r.opens(host, port); use != nil {
		v.Rule = "the attachment of " + use.Name
		return v
	}
	i := slices.IndexFunc(r.Allow, func(a hotcell.Allow) bool { return a.Host == host && a.Port == port })
	if i < 0 {
		return refused(NotListed)
	}
	entry := r.Allow[i]
	if r.Browser && entry.Protocol != hotcell.ProtocolHTTPS {
		return refused("the entry allows %s there, and a browser speaks HTTPS alone", entry.Protocol)
	}
	if v.Account && entry.Protocol != hotcell.ProtocolHTTPS {
		return refused("%s", r.Undeclared(host, port))
	}
	if entry.Protocol == hotcell.ProtocolTCP && (model || !r.tcp(entry)) {
		return refused("connections of the protocol tcp pass unguarded and need the operator's setting (egress.hosts with tcp: true), or a secret that is bound to exactly this host and port")
	}
	v.Rule, v.Protocol = "the allow-list's "+site.FormatAllow(entry), entry.Protocol
	return v
}

// tcp says whether a connection may pass unguarded.
func (r Rules) tcp(entry hotcell.Allow) bool {
	if r.TCP != nil && r.TCP(entry) {
		return true
	}
	exact := fmt.Sprintf("%s:%d", entry.Host, entry.Port)
	return slices.ContainsFunc(r.Uses, func(u hotcell.Use) bool {
		return u.Tier == hotcell.TierSecret && slices.Contains(u.Hosts, exact)
	})
}

// opens is an attachment that opens a host by itself.
func (r Rules) opens(host string, port int) *hotcell.Use {
	for i, u := range r.Uses {
		if !r.Browser && u.As == hotcell.InjectHTTP && u.HTTP != nil && u.HTTP.Host == host && u.HTTP.Port == port {
			return &r.Uses[i]
		}
		if r.Browser && u.As == hotcell.InjectLogin && u.Login != nil && u.Login.Host == host && u.Login.Port == port {
			return &r.Uses[i]
		}
	}
	return nil
}

// Request decides on a request of HTTPS; uri is its target as it was written.
// A credential goes on where one is attached for this host, and then the path
// must mean what it says: no dot segments, nothing encoded twice.
func (r Rules) Request(host string, port int, method, uri string) Verdict {
	v := r.Connection(host, port)
	switch {
	case !v.Allowed:
		return v
	case v.Protocol != hotcell.ProtocolHTTPS:
		return refused("the entry allows %s there, and no HTTPS", v.Protocol)
	case method == "TRACE" || method == "CONNECT":
		return refused("the method %s is not let through", method)
	}
	narrowed := ""
	for i := range r.Uses {
		if r.Browser {
			break // nothing is put onto what a page asks for, but a login that was armed
		}
		use := &r.Uses[i]
		if !Applies(use, host, port) {
			continue
		}
		if err := CheckPath(uri); err != nil {
			return refused("a credential is attached for this host, and %v", err)
		}
		if reason := Narrowed(use, method, uri); reason != "" {
			narrowed = reason
			continue
		}
		if segment := place.Batch(host, path(uri)); segment != "" && len(use.Methods)+len(use.Paths) > 0 {
			return refused("the attachment of %s is narrowed to methods or paths, and %s takes requests of any within its body", use.Name, segment)
		}
		if len(v.Uses) == 0 {
			v.Rule = "the attachment of " + use.Name
		}
		v.Uses = append(v.Uses, use)
	}
	// A host that only an attachment opens is open as far as that goes.
	if narrowed != "" && len(v.Uses) == 0 && r.opens(host, port) != nil {
		return refused("%s", narrowed)
	}
	if v.Account {
		if reason := r.Undeclared(host, port, v.Uses...); reason != "" {
			return refused("%s", cmp.Or(narrowed, reason))
		}
	}
	return v
}

// Applies says whether a use's credential goes onto requests to a host.
func Applies(u *hotcell.Use, host string, port int) bool {
	switch u.As {
	case hotcell.InjectHTTP:
		return u.HTTP != nil && u.HTTP.Host == host && u.HTTP.Port == port
	case hotcell.InjectStandIn:
		return Bound(u, host, port)
	case hotcell.InjectEnvironment, hotcell.InjectTools, hotcell.InjectLogin:
	}
	return false
}

// Bound says whether a use's values may go to a host: one of those that it is
// bound to.
func Bound(u *hotcell.Use, host string, port int) bool {
	if u.As == hotcell.InjectLogin {
		// The vault puts a password onto its request itself, but where the browser
		// was given it: then it goes to its own site, and nowhere else.
		return u.Fill && u.Login != nil && u.Login.Host == host && u.Login.Port == port
	}
	if u.HTTP != nil {
		return u.HTTP.Host == host && u.HTTP.Port == port
	}
	return slices.ContainsFunc(u.Hosts, func(bound string) bool { return site.Covers(bound, host, port) })
}

// Narrowed says why a use's credential does not go onto a request; empty where
// it does.
func Narrowed(u *hotcell.Use, method, uri string) string {
	if len(u.Methods) > 0 && !slices.Contains(u.Methods, method) {
		return fmt.Sprintf("the attachment of %s does not allow the method %s", u.Name, method)
	}
	if len(u.Paths) > 0 && !MatchPaths(u.Paths, path(uri)) {
		return fmt.Sprintf("the attachment of %s does not allow this path", u.Name)
	}
	return ""
}

// path is a request target without its query.
func path(uri string) string {
	for i := range len(uri) {
		if uri[i] == '?' {
			return uri[:i]
		}
	}
	return uri
}

// Places are where a use's credential goes on a request to a host: of a stand-in,
// where it may stand.
func Places(u *hotcell.Use, host string) (out []string) {
	set := place.Of(u.Places, host)
	if u.HTTP != nil {
		set = place.OfAuth(u.HTTP.Auth)[:1]
	}
	for _, p := range set {
		out = append(out, p.String())
	}
	return out
}
