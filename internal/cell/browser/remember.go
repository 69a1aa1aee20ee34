package browser

import (
	"context"
	"maps"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotcell/internal/line/cellrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/guard"
)

// tokens are the parts of what a site keeps that could be worth something.
var tokens = regexp.MustCompile(`[A-Za-z0-9._~+/=-]{20,}`)

// tokenNames are what sites call what they know somebody by.
var tokenNames = regexp.MustCompile(`(?i)sess|sid\b|_id$|auth|token|jwt|secret|login|user|remember|refresh|access|bearer|credential|ticket|sso`)

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

// trail is where the pages have been while somebody signed in: each site on the
// way may have given the browser something to be known by.
type trail struct {
	mu    sync.Mutex
	sites map[string]cellrpc.Origin
}

// pass notes a document that was asked for.
func (t *trail) pass(address string) {
	o, ok := siteOf(address)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sites == nil {
		t.sites = map[string]cellrpc.Origin{}
	}
	if name := site.Registrable(o.Host); len(t.sites) < maxSites {
		if _, known := t.sites[name]; !known {
			t.sites[name] = o
		}
	}
}

// siteOf is the origin of a web address, whatever a login could be for.
func siteOf(address string) (o cellrpc.Origin, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return o, false
	}
	o.Host, o.Port = strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), 443
	if u.Scheme == "http" {
		o.Plain, o.Port = true, 80
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		o.Port = port
	}
	return o, true
}

// known are the sites at which somebody signed in, by their registrable domains.
func (t *trail) known() map[string]cellrpc.Origin {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.sites)
}

// rememberTime is how long looking for what sites keep may take.
const rememberTime = 5 * time.Second

// remember has the guard know what the sites have given the browser at which
// somebody signed in: a cookie of somebody who is signed in is a credential. It is
// done also for a call that was given up: what was given stays.
func (d *Driver) remember(ctx context.Context) {
	sites := d.trail.known()
	if len(sites) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rememberTime)
	defer cancel()
	found := map[string][][]byte{}
	d.cookies(ctx, sites, found)
	for _, t := range d.open() {
		if t.openDialog() == nil { // it would not answer
			t.storage(ctx, sites, found)
		}
	}
	for name, values := range found {
		d.withhold(ctx, sites[name], values...)
	}
}

// cookies are those of all paths and all hosts of the sites.
func (d *Driver) cookies(ctx context.Context, sites map[string]cellrpc.Origin, found map[string][][]byte) {
	var out struct {
		Cookies []struct {
			Name, Value, Domain string
			HTTPOnly            bool
		}
	}
	if err := d.root.do(ctx, "Storage.getCookies", args{"browserContextId": d.space}, &out); err != nil {
		d.Log.Error("the browser's cookies cannot be read", "error", err)
		return
	}
	for _, c := range out.Cookies {
		name := site.Registrable(c.Domain)
		if _, known := sites[name]; !known {
			continue
		}
		if worth(c.Value, c.HTTPOnly || tokenNames.MatchString(c.Name)) {
			found[name] = append(found[name], []byte(c.Value))
			if plain, err := url.PathUnescape(c.Value); err == nil && plain != c.Value {
				found[name] = append(found[name], []byte(plain))
			}
		}
		for _, token := range tokens.FindAllString(c.Value, 20) {
			if token != c.Value && telling(token) {
				found[name] = append(found[name], []byte(token))
			}
		}
	}
}

// worth says whether a cookie's value could be what somebody is known by; named is
// true where the cookie looks like one for that.
func worth(value string, named bool) bool {
	if guard.Guardable([]byte(value)) != nil {
		return false
	}
	least, plain := 12, 16
	if named {
		least, plain = 8, 10
	}
	mixed := strings.ToLower(value) != value && strings.ToUpper(value) != value || strings.Trim(value, "0123456789") == ""
	return len(value) >= least && telling(value) || len(value) >= plain && (named || mixed)
}

// telling says whether a text is more than a word: letters and digits both.
func telling(text string) bool {
	return strings.ContainsAny(text, "0123456789") && strings.ContainsAny(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz") && !strings.HasPrefix(text, "http")
}

// readDatabases is a script that says what a page has in its databases.
const readDatabases = `async () => {
	const done = r => new Promise((yes, no) => { r.onsuccess = () => yes(r.result); r.onerror = r.onblocked = () => no(r.error) })
	const out = []
	for (const {name} of (await indexedDB.databases()).slice(0, 10)) {
		const db = await done(indexedDB.open(name))
		for (const store of [...db.objectStoreNames].slice(0, 20))
			for (const value of await done(db.transaction(store).objectStore(store).getAll(null, 50)))
				try { out.push([name + ' ' + store, JSON.stringify(value).slice(0, 20000)]) } catch {}
		db.close()
	}
	return out.slice(0, 200)
}`

// databaseTime is how long reading a page's databases may take.
const databaseTime = 500 * time.Millisecond

// storage is what the pages of a tab keep, in all frames that are of the sites.
func (t *tab) storage(ctx context.Context, sites map[string]cellrpc.Origin, found map[string][][]byte) {
	for _, f := range t.allFrames(ctx) {
		o, ok := siteOf(f.SecurityOrigin)
		name := site.Registrable(o.Host)
		if _, known := sites[name]; !ok || !known {
			continue
		}
		var entries [][]string
		for _, local := range []bool{true, false} {
			var items struct{ Entries [][]string }
			if f.session.do(ctx, "DOMStorage.getDOMStorageItems", args{"storageId": args{"securityOrigin": addressOf(o), "isLocalStorage": local}}, &items) == nil {
				entries = append(entries, items.Entries...)
			}
		}
		entries = append(entries, f.session.databases(ctx, f.ID)...)
		for _, entry := range entries {
			if len(entry) != 2 {
				continue
			}
			named := tokenNames.MatchString(entry[0]) || tokenNames.MatchString(entry[1])
			for _, token := range tokens.FindAllString(entry[1], 20) {
				if telling(token) || named && guard.Guardable([]byte(token)) == nil && !strings.ContainsAny(token, "./-_~+=") {
					found[name] = append(found[name], []byte(token))
				}
			}
		}
	}
}

// databases are the entries of a frame's databases; what cannot be read soon is
// left out.
func (s *session) databases(ctx context.Context, frame string) (entries [][]string) {
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	world, err := s.worldOf(ctx, frame, ourWorld)
	if err != nil {
		return nil
	}
	_ = s.run(ctx, "Runtime.evaluate", args{"expression": "(" + readDatabases + ")()", "contextId": world, "returnByValue": true, "awaitPromise": true}, &entries)
	return entries
}
