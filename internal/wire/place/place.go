// Package place knows where in an HTTP request a credential can stand: where ours
// may be put for a service, where somebody else's could be, and what makes a
// request another one than its first line says.
//
// It guards that a stand-in is swapped where a credential belongs and nowhere
// else, and that no credential that is not ours travels beside ours. It is a
// judgement by names, of headers, parameters and fields: what a service takes
// under a name that nobody would think of, it does not know (docs/threat-model.md).
// It is pure. One way to use it:
//
//	p, err := place.Parse("header:X-Api-Key")
//	if at, found := place.Foreign(host, r.Header, r.URL.RawQuery, ours); found { … }
package place

import (
	"net/textproto"
	"regexp"
	"strings"

	"hotcell"
)

// Kind is what part of a request a place is in.
type Kind string

// The kinds.
const (
	// Header is a header's whole value, after one of the usual prefixes.
	Header Kind = "header"
	// Query is the whole value of a parameter.
	Query Kind = "query"
	// Body is the whole value of a field: of a form, of one part of a multipart
	// body, or a text in JSON, whose path has dots: auth.token.
	Body Kind = "body"
	// Cookie is the whole value of a cookie.
	Cookie Kind = "cookie"
	// Path is a whole segment of the path, after what the name says.
	Path Kind = "path"
)

// Place is one place of a request. Names of headers are in their canonical form.
type Place struct {
	Kind Kind
	Name string
}

// Authorization is where a stand-in may stand at every service.
var Authorization = Place{Header, "Authorization"}

// String is the place as it is written: "header:X-Api-Key".
func (p Place) String() string {
	if p.Kind == Path && p.Name == "" {
		return string(Path)
	}
	return string(p.Kind) + ":" + p.Name
}

// maxName is how long a place's name may be, in bytes.
const maxName = 128

var (
	token  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110, section 5.6.2
	prefix = regexp.MustCompile(`^[A-Za-z0-9_.~-]*$`)
)

// Parse reads what [Place.String] writes. The error is a [hotcell.FieldError].
func Parse(text string) (p Place, err error) {
	kind, name, _ := strings.Cut(text, ":")
	p = Place{Kind(kind), name}
	bad := func(reason string, args ...any) (Place, error) { return Place{}, hotcell.Invalid("", reason, args...) }
	switch p.Kind {
	case Header:
		p.Name = textproto.CanonicalMIMEHeaderKey(name)
		if !token.MatchString(name) || framing[strings.ToLower(name)] {
			return bad("no credential goes into a header of that name")
		}
		if strings.EqualFold(name, "Cookie") {
			return bad("of cookies, name the one: cookie:NAME")
		}
	case Cookie:
		if !token.MatchString(name) {
			return bad("a cookie's name is a word without spaces and signs")
		}
	case Query, Body:
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) {
			return bad("name the parameter or the field: %s:NAME", kind)
		}
	case Path:
		if !prefix.MatchString(name) {
			return bad("what comes before the value in its segment is letters, digits, and - _ . ~")
		}
	default:
		return bad("a place is written header:NAME, query:NAME, body:FIELD, cookie:NAME or path, and not %.40q", text)
	}
	if len(name) > maxName {
		return bad("a place's name has at most %d bytes", maxName)
	}
	return p, nil
}

// framing are headers that say how a message is carried, and where to.
var framing = map[string]bool{
	"host": true, "connection": true, "content-length": true, "transfer-encoding": true, "te": true, "trailer": true, "upgrade": true, "expect": true, "keep-alive": true,
	"proxy-connection": true, "proxy-authorization": true, "proxy-authenticate": true, "content-type": true, "content-encoding": true, "accept-encoding": true, "range": true, "user-agent": true, "referer": true,
}

// Set is what places a request's own credentials are in.
type Set []Place

// Has says whether a place is in the set: names of parameters and headers are
// compared as servers that read them loosely do.
func (s Set) Has(p Place) bool {
	for _, one := range s {
		if one.Kind == p.Kind && loose(one.Name) == loose(p.Name) {
			return true
		}
	}
	return false
}

// loose is a name as the loosest of servers read it: without case, and without
// what some of them make of one sign or another (RFC 3875 section 4.1.18 has
// X_Api_Key and X-Api-Key be one; PHP has a.b and a_b be one).
func loose(name string) string {
	if at := strings.IndexByte(name, '['); at > 0 {
		name = name[:at] // token[] and token[0] are token to some
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '$', r > 0x7f:
			return r
		}
		return -1
	}, name)
}
