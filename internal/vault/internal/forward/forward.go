// Package forward does, in the vault's process, the requests of jobs that need a
// credential: it puts the credential on, talks to the upstream itself, and takes
// out of the answer what the upstream repeats of it. So neither the cell nor its
// gateway ever has the value.
//
// It guards that a value goes over TLS to the declared host and port only, and
// ends what is under way when the job's grant dies. What an upstream does with
// a request that it accepts, it cannot know. One way to use it:
//
//	s := forward.New(forward.Config{Vault: door, Dialer: guard, Roots: roots, …})
//	mux.Handle(vaultrpc.Forward, s)
package forward

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/value/tidy"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/live"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/inject"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/wire/pgwire"
	"hotcell/internal/wire/place"
	"hotcell/internal/wire/relay"
	"hotcell/internal/wire/scrub"
	"hotcell/internal/wire/upstream"
	"hotcell/internal/wire/wayin"
)

// Config is what a service needs.
type Config struct {
	Vault  *door.Vault
	Dialer netguard.Dialer
	// Roots verify upstreams; nil for the system's.
	Roots *x509.CertPool
	// Databases is the operator's word on a database; nil for none.
	Databases func(host string, port int) pgwire.Trust
	// Keeper keeps tokens good; nil where none are renewed.
	Keeper Keeper
	// Logins know what is armed for which request; nil where there are none.
	Logins Logins
	// Budget counts what each job holds; nil for no limits.
	Budget *budget.Jobs
	// Guesses see jobs that guess values by what is redacted, whatever they use.
	Guesses *scrub.Guesses
	// Tidy is told when a value was in memory; nil for nobody.
	Tidy *tidy.Tidy
	Now  func() time.Time
	Log  *slog.Logger
}

// Keeper sees to it that a connection's newest version has a token that is good,
// and is not the version that the service refused; package token does it.
type Keeper interface {
	Ensure(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, refused int) error
}

// Logins know what is armed; package login does.
type Logins interface {
	// Claim takes what the stand-ins of a request stand for, where it is a step of the
	// login's way in: where in its body the login's fields go.
	Claim(job hotcell.JobID, id string, use hotcell.AttachmentID, host string, port int, r wayin.Request) (wayin.Found, error)
	// Code makes the one-time code of a login that is open.
	Code(used *door.Used) (sensitive.Bytes, error)
	// Answered notes how the site answered.
	Answered(id string, status int)
}

// Service forwards.
type Service struct {
	Config
	upstreams *upstream.Pool
	scrubbers scrubbers
	standIns  standIns
	jars      jars
	live      *live.Jobs
}

// New is a service; Close ends it.
func New(c Config) *Service {
	s := &Service{Config: c}
	s.upstreams = upstream.New(upstream.Config{Dialer: c.Dialer, Roots: c.Roots, Caught: border.Log(c.Log)})
	s.live = live.Watch(c.Vault, s.ended, border.Log(c.Log))
	c.Tidy.First(s.upstreams.Rest)
	return s
}

// ended forgets what is kept for a job that has ended; for all, where it is empty.
func (s *Service) ended(job hotcell.JobID) {
	s.upstreams.End(job)
	s.jars.end(job)
}

// way is the way to the upstreams of a job, for what is open: the connections are
// for that alone, so that the guard of an answer knows all that was ever put onto
// its connection. A drill's are its own, and not kept.
func (s *Service) way(job hotcell.JobID, uses []*door.Used) http.RoundTripper {
	if drill := uses[0].Drill; drill != nil {
		own := upstream.New(upstream.Config{Dialer: netguard.Drilled(s.Dialer, drill), Roots: netguard.DrilledRoots(s.Roots, drill)})
		return own.For(upstream.Holder{})
	}
	holder := upstream.Holder{Job: job}
	for _, used := range uses {
		holder.Of += fmt.Sprintf("%s@%d ", used.Use.Attachment, used.Use.Version)
	}
	return s.upstreams.For(holder)
}

// Close ends what is under way.
func (s *Service) Close() {
	s.live.Close()
	s.upstreams.Close()
}

// ServeHTTP implements [http.Handler] for [vaultrpc.Forward].
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	job := hotcell.JobID(r.Header.Get(vaultrpc.HeaderJob))
	target, to, err := parse(r)
	if err != nil {
		s.fault(w, err)
		return
	}
	over, ok := s.underway(w, r, job)
	if !ok {
		return
	}
	defer over()
	ctx, leave := s.live.Enter(r.Context(), job)
	defer leave()
	defer s.Tidy.Used()
	if err := s.Guesses.Pause(ctx, job); err != nil {
		s.fault(w, err)
		return
	}
	if arm := r.Header.Get(vaultrpc.HeaderArm); arm != "" && s.Logins != nil {
		s.signIn(ctx, w, r, &signing{job: job, use: hotcell.AttachmentID(r.Header.Get(vaultrpc.HeaderUse)), arm: arm, to: to, target: target})
		return
	}
	f := &forwarding{service: s, job: job, target: target, to: to, request: r}
	for _, id := range r.Header.Values(vaultrpc.HeaderUse) {
		f.attachments = append(f.attachments, hotcell.AttachmentID(id))
	}
	if len(f.attachments) == 0 || len(f.attachments) > maxUses {
		s.fault(w, hotcell.Invalid("/use", "a request names one attachment, or up to %d", maxUses))
		return
	}
	if err := f.fresh(ctx, nil); err != nil {
		s.fault(w, err)
		return
	}
	if err := f.open(ctx); err != nil {
		s.fault(w, err)
		return
	}
	_ = http.NewResponseController(w).EnableFullDuplex()
	size, reason := f.exchange(ctx, w)
	f.done(cmp.Or(reason, f.note), size)
}

// maxUses is how many credentials go onto one request at most.
const maxUses = 16

// parse reads where a request goes: an absolute URL of HTTPS, to a host in its
// normal form.
func parse(r *http.Request) (*url.URL, door.Target, error) {
	bad := hotcell.Invalid("/target", "a target is an https URL with a host and a port")
	text := r.Header.Get(vaultrpc.HeaderTarget)
	target, err := url.Parse(text)
	if err != nil || target.Scheme != "https" || target.User != nil || target.Fragment != "" {
		return nil, door.Target{}, bad
	}
	host, port, err := site.HostPort(target.Host)
	if err != nil || net.JoinHostPort(host, strconv.Itoa(port)) != target.Host {
		return nil, door.Target{}, bad
	}
	uri := strings.TrimPrefix(text, "https://"+target.Host)
	if !strings.HasPrefix(uri, "/") && uri != "*" {
		return nil, door.Target{}, bad
	}
	return target, door.Target{Host: host, Port: port, Method: r.Method, URI: uri, Shown: r.Header.Get(vaultrpc.HeaderShown)}, nil
}

// prepare makes the request that goes out, with the credentials on.
func (f *forwarding) prepare(ctx context.Context) (err error) {
	s, r := f.service, f.request
	to := *f.target // the request may be made once more
	out := (&http.Request{
		Method: r.Method, URL: &to, Host: hostHeader(f.target), Header: r.Header.Clone(), Body: border.Reader("the body of a forwarded request", border.Log(s.Log), r.Body), ContentLength: r.ContentLength,
		Trailer: r.Trailer, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	upgrade := r.Header.Get("Upgrade")
	relay.Headers(out.Header)
	if strings.EqualFold(upgrade, "websocket") {
		out.Header.Set("Connection", "Upgrade")
		out.Header.Set("Upgrade", "websocket")
		out.Header.Del("Sec-Websocket-Extensions") // frames must be readable
	}
	if _, set := out.Header["User-Agent"]; !set {
		out.Header["User-Agent"] = nil // not ours
	}
	// What is answered must be readable by the guard.
	if accepted := out.Header.Get("Accept-Encoding"); accepted != "" {
		out.Header.Set("Accept-Encoding", readable(accepted))
	}
	out.Header.Del("Range")  // a part of an answer could be a part of a value
	out.Header.Del("Expect") // whoever sends the body was told to already
	f.jar = s.jars.of(f.job, f.attachments)
	hold := func(n int64) error { return s.hold(ctx, f.job, n) }
	m := &mounting{hold: hold, out: out, host: f.to.Host, uses: f.uses, model: r.Header.Get(vaultrpc.HeaderModel) != "", cookies: f.jar.give(f.target)}
	for _, text := range r.Header.Values(vaultrpc.HeaderOwn) {
		if p, err := place.Parse(text); err == nil {
			m.ours = append(m.ours, p)
		}
	}
	disown(out.Header)
	if err := s.mount(m, f.job); err != nil {
		return err
	}
	if out.Body != nil && out.Body != http.NoBody {
		out.Body = border.Reader("the body of a forwarded request", border.Log(s.Log), out.Body) // what looks at it too
	}
	f.out, f.note = out, m.note
	if !m.model {
		f.standIns = m.patterns
	}
	f.pattern, err = s.scrubbers.of(f.uses)
	return err
}

// disown takes away the headers that are between the vault and its gateways: no
// job and no upstream may set them.
func disown(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, vaultrpc.HeaderPrefix) {
			delete(h, name)
		}
	}
}

// hostHeader is the host as clients write it: without the usual port.
func hostHeader(u *url.URL) string { return strings.TrimSuffix(u.Host, ":443") }

// readable keeps of the codings that a client accepts those that can be undone.
func readable(accepted string) string {
	var out []string
	for one := range strings.SplitSeq(accepted, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(one), ";")
		switch strings.ToLower(name) {
		case "gzip", "deflate", "br", "zstd", "identity", "x-gzip":
			out = append(out, strings.TrimSpace(one))
		}
	}
	if len(out) == 0 {
		return "identity"
	}
	return strings.Join(out, ", ")
}

// put puts a connection's key on.
func (s *Service) put(out *http.Request, used *door.Used) error {
	key, ok := keyOf(used.Fields)
	if used.Use.HTTP == nil || !ok {
		return fmt.Errorf("%w: the connection has no key", hotcell.ErrTampered)
	}
	auth := inject.Auth(used.Use.HTTP.Auth)
	return key.Use(func(key []byte) error { return auth.Apply(out, key, s.Now()) })
}

// unanswered tells the gateway why there is no answer, without an address.
func (s *Service) unanswered(ctx context.Context, w http.ResponseWriter, err error) string {
	var text string
	switch {
	case context.Cause(ctx) != nil && errors.Is(context.Cause(ctx), live.ErrRevoked):
		s.faulty(w, http.StatusForbidden, "refused", context.Cause(ctx).Error())
		return "revoked"
	case errors.Is(err, hotcell.ErrDenied):
		if blocked, ok := errors.AsType[*netguard.Refused](err); ok {
			text = blocked.Error()
		} else {
			text = "the host's address may not be dialled"
		}
		s.faulty(w, http.StatusForbidden, "refused", text)
		return text
	case border.Tell(s.Log, err):
		text = err.Error()
	case errors.Is(err, hotcell.ErrUnavailable):
		text = "the host could not be reached"
	case errors.Is(err, errNamed):
		s.faulty(w, http.StatusForbidden, "refused", errNamed.Error())
		return errNamed.Error()
	case strayed(err) != "":
		s.faulty(w, http.StatusForbidden, "refused", strayed(err))
		return strayed(err)
	default:
		text = "no answer: " + kind(err)
	}
	s.faulty(w, http.StatusBadGateway, "unavailable", text)
	return text
}

// strayed says whose stand-in a body held, which broke off for it.
func strayed(err error) string {
	if refused, ok := errors.AsType[*guard.RefusedError](err); ok {
		return fmt.Sprintf("the stand-in of %s stands in the body, where it is not swapped for its value", refused.Name)
	}
	return ""
}

// kind is what may be told of a failure: never its text, which may hold parts
// of the request.
func kind(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the host's certificate does not hold"
	}
	if wait, ok := errors.AsType[net.Error](err); ok && wait.Timeout() {
		return "the host did not answer in time"
	}
	return "the connection broke off"
}

func (s *Service) fault(w http.ResponseWriter, err error) {
	if why, ok := errors.AsType[*door.NotRenewed](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(why.After.Seconds()))))
		s.faulty(w, http.StatusServiceUnavailable, "unavailable", why.Error())
		return
	}
	switch {
	case errors.Is(err, hotcell.ErrDenied), errors.Is(err, hotcell.ErrInvalid), errors.Is(err, hotcell.ErrTampered), errors.Is(err, hotcell.ErrNotFound):
		s.faulty(w, http.StatusForbidden, "refused", strings.TrimPrefix(err.Error(), hotcell.ErrDenied.Error()+": "))
	case errors.Is(err, hotcell.ErrRateLimited):
		s.faulty(w, http.StatusTooManyRequests, "limited", strings.TrimPrefix(err.Error(), hotcell.ErrRateLimited.Error()+": "))
	case errors.Is(err, hotcell.ErrUnavailable):
		s.faulty(w, http.StatusServiceUnavailable, "unavailable", "the use could not be recorded, so the credential was not used")
	default:
		if rpc.Internal(err) && !errors.Is(err, context.Canceled) {
			s.Log.Error("forwarding a job's request", "error", err)
		}
		s.faulty(w, http.StatusInternalServerError, "unavailable", "internal error")
	}
}

// Faulted answers a request that met a fault of ours.
func (s *Service) Faulted(w http.ResponseWriter) {
	s.faulty(w, http.StatusInternalServerError, "unavailable", (&border.Fault{}).Error())
}

func (s *Service) faulty(w http.ResponseWriter, status int, fault, text string) {
	w.Header().Set(vaultrpc.HeaderFault, fault)
	http.Error(w, text, status)
}
