package browser

import (
	"bytes"
	"context"
	"net"
	"regexp"
	"strconv"
	"strings"

	"hotcell/internal/cellrpc"
	"hotcell/internal/guard"
)

// tokens are the parts of what a site keeps that could be worth something.
var tokens = regexp.MustCompile(`[A-Za-z0-9._~+/=-]{20,}`)

// minCookie is how long a cookie's value is, in bytes, that is looked for.
const minCookie = 12

// maxValues is how many values one site's session has.
const maxValues = 200

func addressOf(o cellrpc.Origin) string {
	scheme, usual := "https", 443
	if o.Plain {
		scheme, usual = "http", 80
	}
	if o.Port == usual {
		if strings.Contains(o.Host, ":") {
			return scheme + "://[" + o.Host + "]"
		}
		return scheme + "://" + o.Host
	}
	return scheme + "://" + net.JoinHostPort(o.Host, strconv.Itoa(o.Port))
}

// remember has the guard know what a site has given the browser to be known by,
// here and outside: a cookie of somebody who is signed in is a credential.
func (d *Driver) remember(ctx context.Context, t *tab, o cellrpc.Origin) {
	values := t.kept(ctx, addressOf(o))
	builder := guard.NewBuilder()
	label := guard.Label{ID: "session", Name: "session of " + o.Host}
	fresh := false
	d.mu.Lock()
	d.sessions[o] = true
	for _, value := range values {
		_ = builder.Add(label, value)
		known := false
		for _, old := range d.values {
			known = known || bytes.Equal(old, value)
		}
		if !known {
			fresh = true
			d.values = append(d.values, value)
		}
	}
	d.mu.Unlock()
	if !fresh {
		return
	}
	d.learn()
	prints, err := builder.Fingerprints().MarshalBinary()
	if err == nil {
		err = d.Config.Hand.Session(ctx, cellrpc.Session{Origin: o, Prints: prints})
	}
	if err != nil {
		d.Log.Error("a site's session could not be told of", "error", err)
	}
}

// learn has the driver's own guard look for all values.
func (d *Driver) learn() {
	builder := guard.NewBuilder()
	d.mu.Lock()
	for _, value := range d.values {
		_ = builder.Add(guard.Label{ID: "session", Name: "session"}, value)
	}
	d.mu.Unlock()
	d.prints.Store(builder.Build())
}

// rememberAgain looks anew at the site that a page is of, where somebody signed in.
func (d *Driver) rememberAgain(ctx context.Context, t *tab) {
	address, _ := t.at(ctx)
	o, ok := originOf(address)
	d.mu.Lock()
	known := d.sessions[o]
	d.mu.Unlock()
	if ok && known {
		d.remember(ctx, t, o)
	}
}

// kept is what a site has the browser keep.
func (t *tab) kept(ctx context.Context, address string) (values [][]byte) {
	add := func(text string) {
		if len(values) < maxValues && telling(text) {
			values = append(values, []byte(text))
		}
	}
	var cookies struct {
		Cookies []struct{ Value string }
	}
	if t.do(ctx, "Network.getCookies", args{"urls": []string{address}}, &cookies) == nil {
		for _, c := range cookies.Cookies {
			if len(c.Value) >= minCookie {
				add(c.Value)
			}
		}
	}
	for _, local := range []bool{true, false} {
		var items struct{ Entries [][]string }
		if t.do(ctx, "DOMStorage.getDOMStorageItems", args{"storageId": args{"securityOrigin": address, "isLocalStorage": local}}, &items) != nil {
			continue
		}
		for _, entry := range items.Entries {
			if len(entry) == 2 {
				for _, token := range tokens.FindAllString(entry[1], 20) {
					add(token)
				}
			}
		}
	}
	return values
}

// telling says whether a text is more than a word: letters and digits both.
func telling(text string) bool {
	return strings.ContainsAny(text, "0123456789") && strings.ContainsAny(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz") && !strings.HasPrefix(text, "http")
}
