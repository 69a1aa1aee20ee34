package connector

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hotcell"
)

// Request is one request of a run. Auth says whether the credential goes onto it.
type Request struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
	Auth   bool
	// Safe is true where the document says that it changes nothing, whatever its
	// method: it may be made again.
	Safe bool
	// Permitted is an address that the service leads on to, where its origin is one that
	// the document names; nil where there is none but the request's own.
	Permitted func(whole string) (*url.URL, error)
}

// request is a request's template.
type request struct {
	method    string
	path, url *text
	query     []named
	// all is an expression whose value is the whole query, a map.
	all       *tree
	headers   []named
	json      *tree
	form      []named
	multipart []filePart
	body      *rawBody
	noAuth    bool
}

// named is a template by its name, in order of names.
type named struct {
	name string
	tree *tree
}

type filePart struct{ name, value, filename, kind, base64 *text }

type rawBody struct{ kind, text, base64 *text }

const acceptJSON = "application/json"

// build makes a request.
func (r *request) build(ctx context.Context, c *Connector, settings map[string]string, vars map[string]any) (*Request, error) {
	target, err := r.target(ctx, c, settings, vars)
	if err != nil {
		return nil, err
	}
	out := &Request{Method: r.method, URL: target, Header: http.Header{}, Auth: !r.noAuth}
	out.Permitted = func(whole string) (*url.URL, error) {
		root, err := c.root(settings)
		if err != nil {
			return nil, err
		}
		return c.permitted(root, whole)
	}
	if err := r.setQuery(ctx, target, vars); err != nil {
		return nil, err
	}
	out.Header.Set("Accept", acceptJSON)
	for name, value := range c.Auth.Headers {
		out.Header.Set(name, value)
	}
	for _, h := range r.headers {
		v, err := h.tree.leaf.value(ctx, vars)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		s, err := plain(v)
		if err == nil {
			s, err = headerValue(s)
		}
		if err != nil {
			return nil, err
		}
		out.Header.Set(h.name, s)
	}
	return out, r.setBody(ctx, out, vars)
}

// target is where the request goes: below the base, or a whole URL of an origin
// that the document names.
func (r *request) target(ctx context.Context, c *Connector, settings map[string]string, vars map[string]any) (*url.URL, error) {
	root, err := c.root(settings)
	if err != nil {
		return nil, err
	}
	if r.url != nil {
		whole, err := r.whole(ctx, vars)
		s, ok := whole.(string)
		if errors.Is(err, errValue) {
			return nil, err
		}
		if err != nil || !ok {
			return nil, &Failure{Message: "the service did not say where to go on"}
		}
		return c.permitted(root, s)
	}
	path, err := r.path.string(ctx, vars, segment)
	if err != nil {
		return nil, err
	}
	out := *root
	joined := root.EscapedPath() + path
	if out.Path, err = url.PathUnescape(joined); err != nil || !straight(joined) {
		return nil, errValue
	}
	out.RawPath = joined
	return &out, nil
}

// whole is a URL as a service gave it; where the document writes some of it
// itself, values are path segments.
func (r *request) whole(ctx context.Context, vars map[string]any) (any, error) {
	if len(r.url.parts) == 1 {
		return r.url.value(ctx, vars)
	}
	return r.url.string(ctx, vars, segment)
}

// permitted is a whole URL, where its origin is one that the document names.
func (c *Connector) permitted(root *url.URL, whole string) (*url.URL, error) {
	u, err := url.Parse(whole)
	if err != nil || u.User != nil || u.Host == "" {
		return nil, &Failure{Message: "the service leads on to what is no address"}
	}
	u.Fragment = ""
	if instead, err := url.Parse(c.origins[u.Scheme+"://"+u.Host]); err == nil && instead.Host != "" {
		u.Scheme, u.Host = instead.Scheme, instead.Host
	}
	for _, origin := range append([]string{root.Scheme + "://" + root.Host}, c.Also...) {
		o, err := url.Parse(origin)
		if err == nil && o.Scheme == u.Scheme && strings.EqualFold(port(o), port(u)) && strings.EqualFold(o.Hostname(), u.Hostname()) {
			return u, nil
		}
	}
	return nil, &Failure{Message: "the service leads on to another host, which is not followed"}
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"https": "443", "http": "80"}[u.Scheme]
}

func (r *request) setQuery(ctx context.Context, target *url.URL, vars map[string]any) error {
	values := url.Values{}
	for _, q := range r.query {
		v, err := q.tree.eval(ctx, vars)
		if err != nil {
			return err
		}
		if err := put(values, q.name, v); err != nil {
			return err
		}
	}
	if r.all != nil {
		v, err := r.all.eval(ctx, vars)
		if err != nil {
			return err
		}
		m, _ := v.(map[string]any)
		for name, one := range m {
			if err := put(values, name, one); err != nil {
				return err
			}
		}
	}
	if len(values) == 0 {
		return nil
	}
	encoded := encode(values)
	if target.RawQuery != "" {
		encoded = target.RawQuery + "&" + encoded
	}
	target.RawQuery = encoded
	return nil
}

// newRequest compiles a request.
func newRequest(d *requestDocument, path string) (*request, error) {
	r := &request{method: d.Method, noAuth: d.Auth != nil && !*d.Auth}
	c := &compiler{path: path}
	c.failIf(!slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, d.Method), "/method", "a method is GET, POST, PUT, PATCH or DELETE")
	r.compileTarget(c, d)
	switch q := d.Query.(type) {
	case nil:
	case map[string]any:
		r.query = c.named("/query", q)
	case string:
		r.all = c.tree("/query", q)
	default:
		c.failIf(true, "/query", "a query is a map, or an expression that gives one")
	}
	headers := map[string]any{}
	for name, value := range d.Headers {
		headers[name] = value
	}
	r.headers = c.named("/headers", headers)
	r.compileBody(c, d)
	return r, c.err
}

// compileTarget compiles where a request goes.
func (r *request) compileTarget(c *compiler, d *requestDocument) {
	switch {
	case (d.Path == "") == (d.URL == ""):
		c.failIf(true, "", "a request has a path, or a url")
		return
	case d.Path != "":
		if r.path = c.text("/path", d.Path); r.path != nil {
			c.fail("/path", checkPath(r.path))
		}
	default:
		if r.url = c.text("/url", d.URL); r.url != nil {
			c.fail("/url", checkURL(r.url))
		}
	}
	c.fail("/slashes", r.allow(d.Slashes))
}

// compileBody compiles what a request sends.
func (r *request) compileBody(c *compiler, d *requestDocument) {
	r.form = c.named("/form", d.Form)
	if d.JSON != nil {
		r.json = c.tree("/json", d.JSON)
	}
	for i := range d.Multipart {
		r.multipart = append(r.multipart, c.part(&d.Multipart[i]))
	}
	if d.Body != nil {
		r.body = &rawBody{kind: c.text("/body/type", d.Body.Type), text: c.optional("/body/text", d.Body.Text), base64: c.optional("/body/base64", d.Body.Base64)}
		c.failIf((d.Body.Text == "") == (d.Body.Base64 == ""), "/body", "a body has a text, or base64")
	}
	c.failIf(count(d.JSON != nil, d.Form != nil, d.Multipart != nil, d.Body != nil) > 1, "", "a request has one body")
}

// checkPath takes a path whose literal parts mean one thing.
func checkPath(t *text) error {
	if len(t.parts) == 0 || t.parts[0].expression() || !strings.HasPrefix(t.parts[0].literal, "/") {
		return hotcell.Invalid("", "a path begins with /")
	}
	var whole strings.Builder
	for _, p := range t.parts {
		if p.expression() {
			whole.WriteString("x")
			continue
		}
		whole.WriteString(p.literal)
	}
	meant := decoded(whole.String())
	if strings.ContainsAny(meant, "?#\\") || !straight(meant) || strings.Count(meant, "/") != strings.Count(whole.String(), "/") {
		return hotcell.Invalid("", "a path has no query, no fragment, no dot segments and no encoded slashes")
	}
	return nil
}

// checkURL takes a URL that is one expression, or that has its host written out.
func checkURL(t *text) error {
	if len(t.parts) == 1 {
		return nil
	}
	scheme, rest, _ := strings.Cut(t.parts[0].literal, "://")
	at := strings.IndexByte(rest, '/')
	if t.parts[0].expression() || scheme != "https" || at <= 0 {
		return hotcell.Invalid("", "a url is one expression, or is written out from https:// to the first / of its path")
	}
	path := text{parts: slices.Clone(t.parts)}
	path.parts[0].literal = rest[at:]
	return checkPath(&path)
}

// allow has places of the path take values with slashes.
func (r *request) allow(expressions []string) error {
	for _, one := range expressions {
		found := false
		for _, t := range []*text{r.path, r.url} {
			for i := 0; t != nil && i < len(t.parts); i++ {
				if t.parts[i].expression() && t.parts[i].literal == one {
					t.parts[i].escape, found = slashed, true
				}
			}
		}
		if !found {
			return hotcell.Invalid("", "there is no ${%s} in the path", one)
		}
	}
	return nil
}
