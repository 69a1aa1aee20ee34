// Package inject puts a credential on an outgoing HTTP request.
//
// It guards that whatever the client itself put into that place is gone first,
// however it was spelt, and that no key can break out of its place. Where a
// request may go, it does not decide. One way to use it:
//
//	err := inject.Auth(access.Auth).Apply(request, key, now)
package inject

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hotcell"
)

// Auth is how a key goes onto a request; [hotcell.Auth] says what its fields are.
type Auth hotcell.Auth

// The kinds.
const (
	Bearer = "bearer"
	Basic  = "basic"
	Header = "header"
	Query  = "query"
	Cookie = "cookie"
	SigV4  = "sigv4"
)

// Values are what must not come back in an answer: the key and its parts.
func (a Auth) Values(key []byte) [][]byte {
	switch a.Kind {
	case Basic:
		_, password, found := bytes.Cut(key, []byte(":"))
		if a.User != "" || !found {
			return [][]byte{key}
		}
		return [][]byte{password}
	case SigV4:
		c, err := a.credentials(key)
		if err != nil {
			return [][]byte{key}
		}
		out := [][]byte{[]byte(c.SecretAccessKey)}
		if c.SessionToken != "" {
			out = append(out, []byte(c.SessionToken))
		}
		return out
	}
	return [][]byte{key}
}

// Apply puts the key on. What the client itself put into that place is taken
// out; all else stays as it was.
func (a Auth) Apply(r *http.Request, key []byte, now time.Time) error {
	switch a.Kind {
	case Bearer:
		r.Header["Authorization"] = []string{"Bearer " + string(key)}
	case Basic:
		pair := string(key)
		if a.User != "" {
			pair = a.User + ":" + pair
		}
		r.Header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
	case Header:
		r.Header[http.CanonicalHeaderKey(a.Name)] = []string{a.Prefix + string(key)}
	case Query:
		r.URL.RawQuery = join("&", without(r.URL.RawQuery, "&", a.Name, queryName), url.QueryEscape(a.Name)+"="+url.QueryEscape(string(key)))
	case Cookie:
		rest := without(strings.Join(r.Header["Cookie"], "; "), ";", a.Name, strings.TrimSpace)
		r.Header["Cookie"] = []string{join("; ", strings.TrimSpace(rest), a.Name+"="+string(key))}
	case SigV4:
		return a.sign(r, key, now)
	default:
		return fmt.Errorf("%w: a key goes on in a way that is not known", hotcell.ErrTampered)
	}
	return nil
}

func join(separator, a, b string) string {
	if a == "" {
		return b
	}
	return a + separator + b
}

// queryName is a parameter's name as servers read it.
func queryName(text string) string {
	if name, err := url.QueryUnescape(text); err == nil {
		return name
	}
	return text
}

// without leaves out the pairs of a name, in any spelling, and keeps the rest as
// it is.
func without(list, separator, name string, read func(string) string) string {
	var kept []string
	for pair := range strings.SplitSeq(list, separator) {
		spelt, _, _ := strings.Cut(pair, "=")
		if pair != "" && !strings.EqualFold(read(spelt), name) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, separator)
}
