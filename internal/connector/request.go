package connector

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
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

// errValue is told where a value does not fit its place: no call is made then.
var errValue = hotcell.Invalid("/arguments", "an argument cannot be put into the request: it is empty, or has characters that may not be there")

// build makes a request.
func (r *request) build(ctx context.Context, c *Connector, settings map[string]string, vars map[string]any) (*Request, error) {
	target, err := r.target(ctx, c, settings, vars)
	if err != nil {
		return nil, err
	}
	out := &Request{Method: r.method, URL: target, Header: http.Header{}, Auth: !r.noAuth}
	if err := r.setQuery(ctx, target, vars); err != nil {
		return nil, err
	}
	out.Header.Set("Accept", "application/json")
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
		if err != nil || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, errValue
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
		whole, err := r.url.value(ctx, vars)
		s, ok := whole.(string)
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
	if out.Path, err = url.PathUnescape(joined); err != nil {
		return nil, errValue
	}
	out.RawPath = joined
	return &out, nil
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

// segment writes a value as one path segment (RFC 3986 section 3.3), in which
// nothing steers: no slash, no dot segment, nothing empty.
func segment(s string) (string, error) {
	if s == "" || s == "." || s == ".." || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", errValue
	}
	return url.PathEscape(s), nil
}

func (r *request) setQuery(ctx context.Context, target *url.URL, vars map[string]any) error {
	values := url.Values{}
	for _, q := range r.query {
		if err := add(ctx, values, q, vars); err != nil {
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
			if err := add(ctx, values, named{name, &tree{fixed: one}}, vars); err != nil {
				return err
			}
		}
	}
	if len(values) == 0 {
		return nil
	}
	encoded := values.Encode()
	if target.RawQuery != "" {
		encoded = target.RawQuery + "&" + encoded
	}
	target.RawQuery = encoded
	return nil
}

// add adds a value to a query or a form: of a list, each; of null, "" and what
// is absent, nothing.
func add(ctx context.Context, to url.Values, n named, vars map[string]any) error {
	v, err := n.tree.eval(ctx, vars)
	if err != nil {
		return err
	}
	list, many := v.([]any)
	if !many {
		list = []any{v}
	}
	for _, one := range list {
		if one == nil || one == "" {
			continue
		}
		s, err := plain(one)
		if err != nil {
			return err
		}
		to.Add(n.name, s)
	}
	return nil
}

func (r *request) setBody(ctx context.Context, out *Request, vars map[string]any) error {
	switch {
	case r.json != nil:
		v, err := r.json.eval(ctx, vars)
		if err != nil {
			return err
		}
		out.Header.Set("Content-Type", "application/json")
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		err = e.Encode(v)
		out.Body = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
		return err
	case r.form != nil:
		values := url.Values{}
		for _, f := range r.form {
			if err := add(ctx, values, f, vars); err != nil {
				return err
			}
		}
		out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		out.Body = []byte(values.Encode())
	case r.multipart != nil:
		return r.setMultipart(ctx, out, vars)
	case r.body != nil:
		return r.setRaw(ctx, out, vars)
	}
	return nil
}

func (r *request) setRaw(ctx context.Context, out *Request, vars map[string]any) error {
	kind, err := r.body.kind.string(ctx, vars, headerText)
	if err != nil {
		return err
	}
	out.Header.Set("Content-Type", kind)
	if r.body.text != nil {
		s, err := r.body.text.string(ctx, vars, func(s string) (string, error) { return s, nil })
		out.Body = []byte(s)
		return err
	}
	out.Body, err = bytesOf(ctx, r.body.base64, vars)
	return err
}

func headerText(s string) (string, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errValue
	}
	return s, nil
}

// bytesOf is a value that is bytes, or base64 of them.
func bytesOf(ctx context.Context, t *text, vars map[string]any) ([]byte, error) {
	v, err := t.value(ctx, vars)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case []byte:
		return v, nil
	case string:
		b, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return nil, hotcell.Invalid("/arguments", "the content of a file is base64 (RFC 4648 section 4)")
		}
		return b, nil
	}
	return nil, errValue
}

func (r *request) setMultipart(ctx context.Context, out *Request, vars map[string]any) error {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	same := func(s string) (string, error) { return s, nil }
	for _, p := range r.multipart {
		name, err := p.name.string(ctx, vars, headerText)
		if err != nil {
			return err
		}
		if p.base64 == nil {
			value, err := p.value.string(ctx, vars, same)
			if err != nil {
				return err
			}
			if err := w.WriteField(name, value); err != nil {
				return err
			}
			continue
		}
		content, err := bytesOf(ctx, p.base64, vars)
		if err != nil {
			return err
		}
		filename, err := p.filename.string(ctx, vars, same)
		if err != nil {
			return err
		}
		kind, err := p.kind.string(ctx, vars, headerText)
		if err != nil {
			return err
		}
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", `form-data; name="`+quoted(name)+`"; filename="`+quoted(filename)+`"`)
		h.Set("Content-Type", kind)
		part, err := w.CreatePart(h)
		if err != nil {
			return err
		}
		if _, err := part.Write(content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	out.Header.Set("Content-Type", w.FormDataContentType())
	out.Body = b.Bytes()
	return nil
}

// quoted writes a name as browsers do in a multipart form.
func quoted(s string) string {
	return strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22", "\x00", "").Replace(s)
}

// newRequest compiles a request.
func newRequest(d *requestDocument, path string) (*request, error) {
	r := &request{method: d.Method, noAuth: d.Auth != nil && !*d.Auth}
	if !slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, d.Method) {
		return nil, hotcell.Invalid(path+"/method", "a method is GET, POST, PUT, PATCH or DELETE")
	}
	c := &compiler{path: path}
	switch {
	case (d.Path == "") == (d.URL == ""):
		return nil, hotcell.Invalid(path, "a request has a path, or a url")
	case d.Path != "":
		r.path = c.text("/path", d.Path)
		if c.err == nil {
			c.err = at(path+"/path", checkPath(r.path))
		}
	default:
		r.url = c.text("/url", d.URL)
	}
	r.form = c.named("/form", d.Form)
	switch q := d.Query.(type) {
	case nil:
	case map[string]any:
		r.query = c.named("/query", q)
	case string:
		r.all = c.tree("/query", q)
	default:
		return nil, hotcell.Invalid(path+"/query", "a query is a map, or an expression that gives one")
	}
	headers := map[string]any{}
	for name, value := range d.Headers {
		headers[name] = value
	}
	r.headers = c.named("/headers", headers)
	if d.JSON != nil {
		r.json = c.tree("/json", d.JSON)
	}
	for i := range d.Multipart {
		r.multipart = append(r.multipart, c.part(&d.Multipart[i]))
	}
	if d.Body != nil {
		r.body = &rawBody{kind: c.text("/body/type", d.Body.Type), text: c.optional("/body/text", d.Body.Text), base64: c.optional("/body/base64", d.Body.Base64)}
		if c.err == nil && (r.body.text == nil) == (r.body.base64 == nil) {
			c.err = hotcell.Invalid(path+"/body", "a body has a text, or base64")
		}
	}
	bodies := 0
	for _, there := range []bool{r.json != nil, r.form != nil, r.multipart != nil, r.body != nil} {
		if there {
			bodies++
		}
	}
	if c.err == nil && bodies > 1 {
		c.err = hotcell.Invalid(path, "a request has one body")
	}
	return r, c.err
}

// checkPath takes a path whose literal parts mean one thing.
func checkPath(t *text) error {
	if len(t.parts) == 0 || !strings.HasPrefix(t.parts[0].literal, "/") {
		return hotcell.Invalid("", "a path begins with /")
	}
	for _, p := range t.parts {
		if strings.ContainsAny(p.literal, "?#\\") || strings.Contains(p.literal, "/../") || strings.Contains(p.literal, "/./") {
			return hotcell.Invalid("", "a path has no query, no fragment and no dot segments")
		}
	}
	return nil
}
