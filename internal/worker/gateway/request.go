package gateway

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/frames"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/wire/place"
	"hotcell/internal/wire/relay"
)

// request decides on one request of the cell and does it.
func (g *Gateway) request(w http.ResponseWriter, r *http.Request) {
	to, _ := r.Context().Value(targetKey{}).(*target)
	if to == nil {
		refuse(w, http.StatusInternalServerError, "internal error")
		return
	}
	x := &exchange{gateway: g, browser: to.browser, method: r.Method, path: r.URL.EscapedPath(), about: hotcell.Event{Host: net.JoinHostPort(to.host, strconv.Itoa(to.port))}}
	if status, reason := g.over(); reason != "" {
		w.Header().Set("Retry-After", "1")
		refuse(w, status, reason)
		return
	}
	over, ok := g.underway(w, r)
	if !ok {
		return
	}
	defer over()
	if !g.paced(r, headCost(r)) {
		return
	}
	if reason := malformed(r, to); reason != "" {
		x.refuse(w, http.StatusBadRequest, reason)
		return
	}
	if x.verdict = g.rules().of(to.browser).Request(to.host, to.port, r.Method, r.RequestURI); !x.verdict.Allowed {
		x.refuse(w, http.StatusForbidden, x.verdict.Reason)
		return
	}
	x.inspect = g.inspector(to, x.verdict)
	x.bound(r)
	if !x.head(w, r) || !x.foreign(w, r, to) || !x.abroad(w, r, to) || !x.body(w, r) {
		return
	}
	if to.browser && (!x.filled(w, r, to) || !x.substitute(w, r, to)) {
		return
	}
	_ = http.NewResponseController(w).EnableFullDuplex()
	if r.Header.Get("Upgrade") != "" {
		x.upgrade(w, r)
		return
	}
	x.pass(w, r)
}

// over says which limit of the job a request exceeds.
func (g *Gateway) over() (status int, reason string) {
	switch {
	case g.limits.spent():
		return http.StatusTooManyRequests, errBytes.Error()
	case !g.limits.requests.Allow():
		return http.StatusTooManyRequests, fmt.Sprintf("the job may make %d requests a second", g.limits.Requests)
	}
	return 0, ""
}

// malformed says why a request is not one for its host that can be read in one
// way only.
func malformed(r *http.Request, to *target) string {
	switch {
	case r.URL.IsAbs() || r.URL.Host != "" || !strings.HasPrefix(r.RequestURI, "/") && (r.RequestURI != "*" || r.Method != http.MethodOptions):
		return "a request within a connection names a path, and no other target"
	case !sameHost(r.Host, to):
		return "the request is for another host than its connection"
	case to.tap != nil && len(r.TransferEncoding) > 0 && to.tap.ambiguous(r):
		return "the request says in two ways how long its body is"
	}
	for name := range r.Header {
		if strings.HasPrefix(name, vaultrpc.HeaderPrefix) {
			return "no header may begin with " + vaultrpc.HeaderPrefix
		}
	}
	return ""
}

func sameHost(header string, to *target) bool {
	host, port, err := site.HostPort(header)
	if err != nil {
		host, err = site.Host(header)
		port = to.port
	}
	return err == nil && host == to.host && port == to.port
}

// exchange is one request under way.
type exchange struct {
	gateway *Gateway
	about   hotcell.Event
	// method and path are what it asked for, as they came.
	method, path string
	verdict      egress.Verdict
	inspect      *inspector
	// browser is true for a request of the browser's cell, leaves for one by which its
	// page goes on from a form that is being filled in.
	browser, leaves bool
	// own are the places of the head that hold values which the job has, and may
	// send there.
	own place.Set
	// arm is what the vault armed for this request; empty for most.
	arm string
}

// refuse tells the cell why not, and how to ask, and has it recorded.
func (x *exchange) refuse(w http.ResponseWriter, status int, reason string) {
	e := x.about
	e.Kind, e.Decision = "network.refuse", hotcell.Refused
	x.recorded(e, reason)
	x.spoken(0, reason)
	refuse(w, status, reason+askHint(status, x.about.Host))
}

// recorded has an event of the request recorded, with its method and path before the
// reason; events that differ by these alone are counted together.
func (x *exchange) recorded(e hotcell.Event, reason string) {
	e.Reason = x.line() + ": " + reason
	_ = x.gateway.reportAlike(e, reason)
}

// line is the request's method and path as the log may have them: without the query,
// without values, and cut.
func (x *exchange) line() string {
	const mostMethod, mostPath = 32, 200
	path := x.path
	if patterns := x.gateway.patterns.Load(); patterns != nil {
		path = string(patterns.Redact([]byte(path)))
	}
	if path = printable(path); len(path) > mostPath {
		path = path[:mostPath] + "…"
	}
	return printable(x.method[:min(len(x.method), mostMethod)]) + " " + path
}

// found tells the cell that one of its values does not go there.
func (x *exchange) found(w http.ResponseWriter, m guard.Match, where string) {
	x.caught(m, where)
	refuse(w, http.StatusForbidden, fmt.Sprintf("the %s holds a value of %s (%s), which may not go to %s", where, m.Name, m.Form, x.about.Host))
}

// caught records what the guard found.
func (x *exchange) caught(m guard.Match, where string) {
	e := x.about
	e.Kind, e.Decision, e.Credential = "guard.refuse", hotcell.Refused, hotcell.CredentialID(m.ID)
	x.recorded(e, fmt.Sprintf("a value of %s, %s, in the %s", m.Name, m.Form, where))
}

// pass does a request that was decided.
func (x *exchange) pass(w http.ResponseWriter, r *http.Request) {
	relay.Headers(r.Header)
	if _, set := r.Header["User-Agent"]; !set {
		r.Header["User-Agent"] = nil // not ours
	}
	if r.ContentLength == 0 {
		r.Body = http.NoBody
	}
	answer, err := x.roundTrip(r)
	if err == nil {
		defer func() { _ = answer.Body.Close() }()
		answer.Header.Del(cellrpc.HeaderRefused) // ours alone
		x.gone(answer)
		x.spoken(answer.StatusCode, "")
		err = x.answer(answer)
	}
	if err == nil {
		err = x.repeated(answer)
	}
	if err != nil {
		x.fail(w, err)
		return
	}
	if _, err := relay.Answer(w, answer); err != nil {
		relay.Abort()
	}
}

// fail tells the cell why a request that was let out brought no answer.
func (x *exchange) fail(w http.ResponseWriter, err error) {
	if m, caught := x.inspect.caught(); caught {
		x.found(w, m, "body")
		return
	}
	if reason := x.inspect.unreadable(); reason != "" {
		x.refuse(w, http.StatusForbidden, reason)
		return
	}
	if fault, ok := errors.AsType[*faultError](err); ok {
		if fault.status == http.StatusForbidden {
			x.refuse(w, fault.status, fault.text)
			return
		}
		if fault.status == http.StatusTooManyRequests || fault.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		refuse(w, fault.status, fault.text)
		return
	}
	if blocked, ok := errors.AsType[*netguard.Refused](err); ok {
		x.refuse(w, http.StatusForbidden, blocked.Reason)
		return
	}
	switch {
	case errors.Is(err, hotcell.ErrRateLimited):
		x.gateway.tooMuch(w, err)
	case x.gateway.told(err):
		x.refuse(w, http.StatusInternalServerError, (&border.Fault{}).Error())
	case errors.Is(err, errCoding):
		refuse(w, http.StatusBadGateway, "the answer is in a coding that cannot be read, so it is not let through")
	case x.gateway.ctx.Err() != nil:
		refuse(w, http.StatusForbidden, "the job may use nothing any more")
	case errors.Is(err, hotcell.ErrUnavailable):
		refuse(w, http.StatusBadGateway, err.Error())
	default:
		refuse(w, http.StatusBadGateway, "the host could not be reached: "+cause(err))
	}
}

// upgrade joins the two sides of a WebSocket; other protocols are not changed to.
func (x *exchange) upgrade(w http.ResponseWriter, r *http.Request) {
	if !frames.IsUpgrade(r.Header) || r.ProtoMajor != 1 {
		x.refuse(w, http.StatusForbidden, "a connection changes to a WebSocket, and to nothing else")
		return
	}
	r.Header.Del("Sec-Websocket-Extensions") // frames must be readable
	answer, err := x.roundTrip(r)
	if err != nil {
		x.fail(w, err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	x.switched(w, answer)
}
