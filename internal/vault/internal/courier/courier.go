// Package courier does the requests of one tool call: it puts the connection's
// key on, talks to the service over the transport that it is given, and takes
// out of each answer what the service repeats of the key, before anything else
// reads the answer.
//
// So nothing of a key can come into a result, an error or the next request. It
// guards further that the key goes over TLS to one origin a call, that a redirect
// is followed within that origin, or without the key to one that the document names, and that size and time are bounded. What a service
// enciphered it does not find, and whether a call is allowed it does not decide.
// One way to use it:
//
//	patterns, err := courier.Patterns(label, auth, key)
//	result, trip, err := c.Do(ctx, tool.Begin(connector, input), auth, key, patterns)
package courier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/wire/inject"
)

// Config is what a courier needs.
type Config struct {
	// Reads begins to read what takes a library to read, in a process that holds no key;
	// nil where nobody does.
	Reads connector.Opener
	// Transport makes one request and follows nothing: package upstream's.
	Transport http.RoundTripper
	Now       func() time.Time
	Log       *slog.Logger
	Limits    Limits
}

// Limits bound one call. Zero is the default of each.
type Limits struct {
	// Page is how many bytes one answer may have, decoded, and Call all of them.
	Page, Call int64
	// Requests is how many there are in one call.
	Requests int
	// Request is how long one of them may take, and Whole all of them.
	Request, Whole time.Duration
}

// The limits without a word.
const (
	maxPage     = 8 << 20
	maxCall     = 32 << 20
	maxRequests = 100
	requestTime = 30 * time.Second
	wholeTime   = time.Minute
)

// Courier does requests. Its methods may be called at once from anywhere.
type Courier struct {
	Config

	told guard.Told
	hold Hold
}

// New is a courier.
func New(c Config) *Courier {
	l := &c.Limits
	l.Page, l.Call, l.Requests = or(l.Page, maxPage), or(l.Call, maxCall), or(l.Requests, maxRequests)
	l.Request, l.Whole = or(l.Request, requestTime), or(l.Whole, wholeTime)
	return &Courier{Config: c}
}

func or[T int | int64 | time.Duration](given, usual T) T {
	if given == 0 {
		return usual
	}
	return given
}

// Over is the courier, whose requests go over another transport.
func (c *Courier) Over(t http.RoundTripper) *Courier {
	over := *c
	over.Transport = t
	return &over
}

// Telling is the courier that tells of each thing that it takes out of an answer.
func (c *Courier) Telling(told guard.Told) *Courier {
	telling := *c
	telling.told = told
	return &telling
}

// Reading is the courier, for which others read.
func (c *Courier) Reading(open connector.Opener) *Courier {
	by := *c
	by.Reads = open
	return &by
}

// Rest closes the connections that nobody uses: their buffers remember what went
// through them.
func (c *Courier) Rest() {
	if kept, ok := c.Transport.(interface{ CloseIdleConnections() }); ok {
		kept.CloseIdleConnections()
	}
}

// Trip says how a call went.
type Trip struct {
	// Status is the last answer's; 0 where none came.
	Status int
	// Size is what was answered, in bytes, and Requests how many were sent.
	Size     int64
	Requests int
	// Refused is true where the service did not know the key (401) before anything
	// was changed: the call can be done anew.
	Refused bool
	// Lost is true where a request that may change something was sent, or partly
	// sent, and no answer came: nobody knows whether it was done.
	Lost bool
}

// trip is one call under way.
type trip struct {
	*Courier
	auth     hotcell.Auth
	key      sensitive.Bytes
	patterns *guard.Patterns
	// origin is where the key goes: that of the first request that it went onto.
	origin string
	// changed is true once something may have been changed.
	changed bool
	held    held
	Trip
}

// Do does the requests of a run to its result. The key goes onto those that ask
// for it, as auth says; patterns are what is taken out of the answers. An error
// is a [*connector.Failure] where the service said no, or one of the sentinels,
// and holds neither an address nor a header nor a query.
func (c *Courier) Do(ctx context.Context, run *connector.Run, auth hotcell.Auth, key sensitive.Bytes, patterns *guard.Patterns) (*connector.Result, Trip, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Limits.Whole)
	defer cancel()
	t := &trip{Courier: c, auth: auth, key: key, patterns: patterns}
	defer t.letGo()
	if c.Reads != nil {
		run.Reads(t.reads)
	}
	if err := t.all(ctx, run); err != nil {
		return nil, t.Trip, t.plain(err)
	}
	result, err := run.Result(ctx)
	if err != nil {
		return nil, t.Trip, t.plain(err)
	}
	t.scrub(result)
	return result, t.Trip, nil
}

// all makes the requests, one after the other.
func (t *trip) all(ctx context.Context, run *connector.Run) error {
	for {
		request, err := run.Next(ctx)
		if err != nil || request == nil {
			return err
		}
		if t.Requests++; t.Requests > t.Limits.Requests {
			return &connector.Failure{Message: fmt.Sprintf("this takes more than %d requests: ask for less", t.Limits.Requests)}
		}
		before := t.changed
		answer, err := t.one(ctx, request)
		if err != nil {
			return err
		}
		if err := run.Answer(ctx, answer); err != nil {
			// Some services say with another status that they do not know the key.
			if failure, ok := errors.AsType[*connector.Failure](err); ok && failure.Status == http.StatusUnauthorized {
				t.Status, t.Refused = failure.Status, !before
			}
			return err
		}
	}
}

// one makes one request and reads its answer, scrubbed.
func (t *trip) one(ctx context.Context, r *connector.Request) (*connector.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Limits.Request)
	defer cancel()
	out, err := t.prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	harmless := r.Safe || out.Method == http.MethodGet || out.Method == http.MethodHead
	t.Lost = !harmless
	came, err := t.Transport.RoundTrip(out)
	for hops := 0; err == nil && hops < maxHops; hops++ {
		next := t.onward(ctx, r, out, came)
		if next == nil {
			break
		}
		_ = came.Body.Close()
		if out, err = next, ctx.Err(); err == nil {
			came, err = t.Transport.RoundTrip(out)
		}
	}
	if err != nil {
		return nil, t.unanswered(ctx, err)
	}
	defer func() { _ = came.Body.Close() }()
	t.Status, t.Lost = came.StatusCode, false
	t.Refused = came.StatusCode == http.StatusUnauthorized && !t.changed
	if !harmless && came.StatusCode < http.StatusMultipleChoices {
		t.changed = true
	}
	return t.read(ctx, out.URL, came)
}

// maxHops is how many redirects of a service to itself are followed.
const maxHops = 5

// onward is the request that a redirect asks for (RFC 9110 section 15.4), where it stays
// at the origin: a GET goes wherever it is sent there, another method only by 307 and 308,
// which keep it. A GET may go to the other origins that the document names too, and has no
// key and no headers of the document there; nor has it on a way back.
func (t *trip) onward(ctx context.Context, r *connector.Request, sent *http.Request, came *http.Response) *http.Request {
	reads := sent.Method == http.MethodGet || sent.Method == http.MethodHead
	keeps := came.StatusCode == http.StatusTemporaryRedirect || came.StatusCode == http.StatusPermanentRedirect
	moved := came.StatusCode == http.StatusMovedPermanently || came.StatusCode == http.StatusFound
	if !keeps && (!moved || !reads) {
		return nil
	}
	location := came.Header.Get("Location")
	to, err := sent.URL.Parse(location)
	if err != nil || location == "" || t.patterns.Contains([]byte(location)) || to.User != nil {
		return nil
	}
	again := *r
	if away := !sameOrigin(sent.URL, r.URL); away || !sameOrigin(to, sent.URL) {
		if !reads || r.Permitted == nil {
			return nil
		}
		if to, err = r.Permitted(to.String()); err != nil {
			return nil
		}
		again.Auth, again.Body, again.Header = false, nil, http.Header{}
		if accept := r.Header.Get("Accept"); accept != "" {
			again.Header.Set("Accept", accept)
		}
	} else {
		to.Host = sent.URL.Host // as it was written before
	}
	if t.Requests++; t.Requests > t.Limits.Requests {
		return nil
	}
	again.URL = to
	out, err := t.prepare(ctx, &again)
	if err != nil {
		return nil
	}
	return out
}

// sameOrigin says whether two addresses are of one scheme, host and port (RFC 6454).
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" || u.Scheme != "https" {
		return p
	}
	return "443"
}

// prepare makes the request that goes out, with the key on.
func (t *trip) prepare(ctx context.Context, r *connector.Request) (*http.Request, error) {
	if r.URL == nil || !protected(r.URL) || r.URL.Host == "" || r.URL.User != nil {
		return nil, fmt.Errorf("%w: a request goes over TLS only", hotcell.ErrDenied)
	}
	out, err := http.NewRequestWithContext(ctx, r.Method, r.URL.Scheme+"://"+r.URL.Host, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("%w: the request cannot be made", hotcell.ErrInvalid) // the cause could hold an argument
	}
	if len(r.Body) == 0 {
		out.Body, out.GetBody = http.NoBody, nil
	}
	whole := *r.URL
	whole.Fragment, whole.RawFragment = "", ""
	out.URL, out.Header = &whole, r.Header.Clone()
	if out.Header == nil {
		out.Header = http.Header{}
	}
	out.Header.Set("User-Agent", "hotcell")
	out.Header.Set("Accept-Encoding", acceptCoding)
	out.Header.Del("Range") // a part of an answer could be a part of a value
	if !r.Auth {
		return out, nil
	}
	return out, t.put(out, r.Body)
}

// protected says whether a request may go so: over TLS, or within the machine
// where the connector's base is there, which the operator alone can say.
func protected(to *url.URL) bool {
	if to.Scheme == "https" {
		return true
	}
	ip, err := netip.ParseAddr(to.Hostname())
	return to.Scheme == "http" && (err == nil && ip.IsLoopback() || to.Hostname() == "localhost")
}

// put puts the key on. Within one call it goes to one origin.
func (t *trip) put(out *http.Request, body []byte) error {
	if t.auth.Kind == "" {
		return nil // a service that wants none
	}
	origin := out.URL.Scheme + "://" + out.URL.Host
	if t.origin == "" {
		t.origin = origin
	}
	if t.origin != origin {
		return fmt.Errorf("%w: the connection's key goes to one host", hotcell.ErrDenied)
	}
	if t.key.Len() == 0 {
		return fmt.Errorf("%w: the connection has no key", hotcell.ErrTampered)
	}
	if t.auth.Kind == inject.SigV4 {
		sum := sha256.Sum256(body)
		out.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	}
	return t.key.Use(func(key []byte) error { return inject.Auth(t.auth).Apply(out, key, t.Now()) })
}

// elsewhere says where a redirect leads, of which nothing but the host is told.
func elsewhere(from *url.URL, location string) string {
	to, err := from.Parse(location)
	if err != nil || location == "" {
		return "elsewhere"
	}
	if to.Host == from.Host && to.Scheme == from.Scheme {
		return "to another place of its own"
	}
	return "to another host"
}
