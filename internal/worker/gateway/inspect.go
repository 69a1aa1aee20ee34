package gateway

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/coding"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/frames"
	"hotcell/internal/wire/scrub"
	"hotcell/internal/wire/unpack"
)

// errCoding is an answer that the guard cannot read.
var errCoding = errors.New("a coding that cannot be read")

// inspector holds one request, and its answer, against the guard.
type inspector struct {
	// patterns are for the request, back for its answer.
	patterns, back *guard.Patterns

	uses  map[string]*hotcell.Use
	to    *target
	model bool
	// asks is true where a request could hold what may not go there; hides where
	// an answer could hold what the cell must not have.
	asks, hides bool
	// meter counts what is unpacked of the request's body; room waits until one more
	// may be unpacked.
	meter *budget.Meter
	room  func() (leave func(), err error)

	// lenient has what cannot be read pass, by the operator's word.
	lenient bool
	// packed looks into the body.
	packed *lagged

	mu     sync.Mutex
	match  *guard.Match
	reason string
}

// inspector makes what a request to a host is held against.
func (g *Gateway) inspector(to *target, v egress.Verdict) *inspector {
	i := &inspector{patterns: g.patterns.Load(), uses: g.rules().by, to: to, model: v.Model}
	i.lenient = !v.Model && g.Unreadable != nil && g.Unreadable(to.host, to.port)
	if i.expect(i.patterns, v); i.patterns == nil {
		return i
	}
	for _, use := range i.uses {
		i.asks = i.asks || i.verdict(use, true) != guard.Pass || i.verdict(use, false) != guard.Pass
	}
	return i
}

// expect holds the answer against patterns, which may be newer than those that
// the request was held against.
func (i *inspector) expect(patterns *guard.Patterns, v egress.Verdict) {
	if i.back = patterns; patterns == nil {
		return
	}
	for _, use := range i.uses {
		// What the vault puts on, it takes out of the answer itself.
		put := slices.ContainsFunc(v.Uses, func(on *hotcell.Use) bool { return on.Attachment == use.Attachment })
		i.hides = i.hides || use.As != hotcell.InjectEnvironment && !put
	}
}

// verdict is what becomes of a value on its way out: what is bound to the host
// passes, and what is bound to none unless it is hidden from the cell. To a
// model host nothing goes but in the head, where a key for that host belongs.
func (i *inspector) verdict(use *hotcell.Use, head bool) guard.Verdict {
	bound := use != nil && egress.Bound(use, i.to.host, i.to.port)
	free := use != nil && use.As == hotcell.InjectEnvironment && len(use.Hosts) == 0
	switch {
	case i.model && bound && head:
		return guard.Pass
	case i.model:
		return guard.Redact
	case bound || free:
		return guard.Pass
	}
	return guard.Refuse
}

func (i *inspector) policy(head bool) guard.Policy {
	return func(m guard.Match) guard.Verdict { return i.verdict(i.uses[m.ID], head) }
}

// secrecy is the policy of answers: what the cell must not have is redacted.
func (i *inspector) secrecy(m guard.Match) guard.Verdict {
	if use := i.uses[m.ID]; use != nil && use.As == hotcell.InjectEnvironment {
		return guard.Pass
	}
	return guard.Redact
}

func (i *inspector) caught() (guard.Match, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.match == nil {
		return guard.Match{}, false
	}
	return *i.match, true
}

func (i *inspector) unreadable() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.reason
}

// note keeps why a body may not pass.
func (i *inspector) note(err error) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if refused, ok := errors.AsType[*guard.RefusedError](err); ok && i.match == nil {
		i.match = &refused.Match
	}
	if errors.Is(err, errCoding) {
		why := "it is in a coding that cannot be read"
		if u, ok := errors.AsType[*unpack.UnreadableError](err); ok {
			why = u.Why
		} else if errors.Is(err, budget.ErrSpent) {
			why = "it unpacks to more than is looked at"
		}
		i.reason = "the body cannot be looked into (" + why + "), and could hold a value that may not go there"
	}
	return err
}

// head looks at the request's line and headers. It answers, and returns false,
// where they may not pass.
func (x *exchange) head(w http.ResponseWriter, r *http.Request) bool {
	i := x.inspect
	if !i.asks {
		return true
	}
	redact := false
	for _, m := range i.patterns.Find(headOf(r)) {
		switch i.verdict(i.uses[m.ID], true) {
		case guard.Refuse:
			x.found(w, m, "request's head")
			return false
		case guard.Redact:
			redact = true
		case guard.Pass:
		}
	}
	if redact {
		if at, m, found := x.shown(r); found {
			x.caught(m, at.String())
			refuse(w, http.StatusForbidden, fmt.Sprintf("the request shows a value of %s to a model, in %s, and %s is not bound to %s, so a mark would stand in its place: keep it as a connection that is attached as http, or bind it to the host (--hosts %s)", m.Name, at, m.Name, x.about.Host, i.to.host))
			return false
		}
		i.redactHead(r)
	}
	return x.packedHead(w, r)
}

// packedHead looks into what is packed in the request's head, such as SAML's
// redirects. Nothing there is refused for being unreadable.
func (x *exchange) packedHead(w http.ResponseWriter, r *http.Request) bool {
	l := x.inspect.looker(true)
	_, err := l.Write(headOf(r))
	err = cmp.Or(err, l.Close())
	if refused, ok := errors.AsType[*guard.RefusedError](err); ok {
		x.found(w, refused.Match, "request's head")
		return false
	}
	if err != nil {
		x.refuse(w, http.StatusForbidden, "the request's head cannot be looked into")
	}
	return err == nil
}

// headOf is the request's line and headers as one text.
func headOf(r *http.Request) []byte {
	b := make([]byte, 0, 1024)
	b = append(append(append(append(b, r.Method...), ' '), r.RequestURI...), '\n')
	for name, values := range r.Header {
		for _, v := range values {
			// Names come in a case of net/http's own.
			b = append(append(append(append(b, strings.ToLower(name)...), ": "...), v...), '\n')
		}
	}
	return b
}

// marks are what the guard puts in the place of values.
var marks = regexp.MustCompile(`\[hotcell:[^\]]*\]`)

// redactHead takes values out of the line and the headers of a request to a
// model host.
func (i *inspector) redactHead(r *http.Request) {
	redact := func(text string) string {
		var out bytes.Buffer
		w := i.patterns.Writer(&out, i.policy(true))
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return out.String()
	}
	for name, values := range r.Header {
		for n, v := range values {
			values[n] = redact(v)
		}
		if clean := redact(strings.ToLower(name)); clean != strings.ToLower(name) {
			delete(r.Header, name)
		}
	}
	uri := marks.ReplaceAllStringFunc(redact(r.URL.RequestURI()), url.QueryEscape)
	if clean, err := url.ParseRequestURI(uri); err == nil {
		r.URL = clean
	} else {
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "/", "", ""
	}
}

// The sizes of bodies that are looked at as a whole before anything is sent.
const (
	wholeBody  = 64 << 10
	modelsBody = 8 << 20
)

// body has the body looked at: a small one now, a larger one as it is sent. It
// answers, and returns false, where it may not pass.
func (x *exchange) body(w http.ResponseWriter, r *http.Request) bool {
	i := x.inspect
	if !i.asks || r.Body == nil || r.Body == http.NoBody {
		return true
	}
	named := strings.Join(r.Header.Values("Content-Encoding"), ", ")
	inner, err := i.reader(r, named)
	if err != nil {
		_ = i.note(err)
		x.refuse(w, http.StatusForbidden, i.unreadable())
		return false
	}
	whole := int64(wholeBody)
	if i.model {
		whole = modelsBody
	}
	// What unpacks is of any size, so it is not held whole.
	if r.ContentLength < 0 || r.ContentLength > whole || i.model && named != "" {
		if i.model {
			unmeasure(r)
		}
		r.Body = &body{inner: inner, closer: r.Body, inspect: i, request: r}
		return true
	}
	defer func() { _ = i.packed.Close() }() // what it found was told where it was read
	if err := x.hold(r); err != nil {
		x.gateway.fail(w, err)
		return false
	}
	all, err := io.ReadAll(io.LimitReader(&body{inner: inner, closer: r.Body, inspect: i, request: r}, maxDecoded))
	if err != nil {
		x.fail(w, err)
		return false
	}
	if int64(len(all)) != r.ContentLength || i.model && named != "" {
		unmeasure(r)
		r.ContentLength = int64(len(all))
		r.Header.Set("Content-Length", strconv.Itoa(len(all)))
	}
	r.Body = io.NopCloser(bytes.NewReader(all))
	return true
}

// unmeasure takes off a request what its body no longer fits.
func unmeasure(r *http.Request) {
	r.ContentLength = -1
	for _, name := range []string{"Content-Length", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest"} {
		r.Header.Del(name)
	}
}

// reader reads a request's body through the guard.
func (i *inspector) reader(r *http.Request, named string) (io.Reader, error) {
	if !i.model {
		return i.watch(r.Body, named)
	}
	from := io.Reader(r.Body)
	if named != "" {
		decoded, err := coding.Decode(r.Body, named)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errCoding, err)
		}
		r.Header.Del("Content-Encoding")
		from = &bounded{from: decoded, meter: i.meter}
	}
	return i.watch(from, "")
}

// body is a request's body on its way through the guard; its end brings the
// trailers, which are looked at before it is told.
type body struct {
	inner   io.Reader
	closer  io.Closer
	inspect *inspector
	request *http.Request
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.inner.Read(p)
	if errors.Is(err, io.EOF) {
		if failed := b.trailers(); failed != nil {
			return n, failed
		}
		return n, err
	}
	if err != nil {
		return n, b.inspect.note(err)
	}
	return n, nil
}

func (b *body) trailers() error {
	i := b.inspect
	for name, values := range b.request.Trailer {
		for n, v := range values {
			for _, m := range i.patterns.Find([]byte(name + ": " + v)) {
				switch i.verdict(i.uses[m.ID], false) {
				case guard.Refuse:
					return i.note(&guard.RefusedError{Match: m})
				case guard.Redact:
					values[n] = string(i.patterns.Redact([]byte(v)))
				case guard.Pass:
				}
			}
		}
	}
	return nil
}

func (b *body) Close() error { return errors.Join(b.inspect.packed.Close(), b.closer.Close()) }

// answer takes out of an answer what the cell must not have.
func (x *exchange) answer(answer *http.Response) error {
	i := x.inspect
	if !i.hides {
		return nil
	}
	if err := scrub.Scrub(answer, i.back, i.secrecy); err != nil {
		return fmt.Errorf("%w: %w", errCoding, err)
	}
	return nil
}

// side guards what goes up a WebSocket, down what comes back.
func (i *inspector) side() frames.Side {
	if !i.asks {
		return nil
	}
	return frames.Guarded(i.patterns, i.policy(false), i.lenient)
}

func (i *inspector) down() frames.Side {
	if !i.hides {
		return nil
	}
	return frames.Guarded(i.back, i.secrecy, true)
}
