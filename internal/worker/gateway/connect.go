package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/text/site"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/netguard"
)

// connect opens a connection out: decided, recorded, dialled, joined.
func (g *Gateway) connect(w http.ResponseWriter, r *http.Request) {
	host, port, err := site.HostPort(r.Host)
	if err != nil || r.RequestURI != r.Host {
		g.refuseConnect(w, hotcell.Event{Host: printable(r.Host)}, "the target is not a host and a port")
		return
	}
	if !g.paced(r, costConnection) {
		return
	}
	about := hotcell.Event{Host: net.JoinHostPort(host, fmt.Sprint(port))}
	browser := fromBrowser(r.Context())
	verdict := g.decide(host, port, browser)
	if !verdict.Allowed {
		if model, _ := g.Models.Find(host, port); model && !browser {
			g.spoken(about.Host, 0, verdict.Reason)
		}
		g.refuseConnect(w, about, verdict.Reason)
		return
	}
	release, err := g.budget().Take(budget.Connections, 1)
	if err != nil {
		g.tooMuch(w, err)
		return
	}
	defer release()
	if !g.enter() {
		w.Header().Set("Retry-After", "1")
		g.refuseStatus(w, http.StatusTooManyRequests, about, fmt.Sprintf("the job has %d connections open already", g.limits.Connections))
		return
	}
	defer g.leave()
	intent := about
	intent.Kind, intent.Decision = "network.connect", hotcell.Allowed
	way := g.way(verdict, host, port)
	if way.browser = browser; browser {
		way.untouched, way.dial, intent.Name = false, false, "the browser" // its guard stands on every page
	}
	switch {
	case verdict.Protocol == hotcell.ProtocolTCP:
		intent.Reason = "unguarded: " + verdict.Rule
	case way.untouched:
		intent.Reason = "unguarded, by the operator's setting"
	}
	if err := g.report(intent); err != nil {
		if errors.Is(err, hotcell.ErrDenied) {
			refuse(w, http.StatusForbidden, err.Error())
			return
		}
		refuse(w, http.StatusServiceUnavailable, "the connection could not be recorded, so it was not made")
		return
	}
	if way.dial {
		upstream, err := g.Dialer.Dial(r.Context(), host, port)
		if err != nil {
			g.undialled(w, about, err)
			return
		}
		defer func() { _ = upstream.Close() }()
		way.upstream = upstream
	}
	if way.dial && !way.browser && way.entry.Protocol != hotcell.ProtocolPostgres {
		g.unseen()
	}
	g.tunnel(w, way, about)
}

// way is how a connection goes on once it was let out.
type way struct {
	entry hotcell.Allow
	// dial is true where the connection goes to its host as it is.
	dial, untouched bool
	// browser is true where it is the browser's cell that connects.
	browser  bool
	upstream net.Conn
	// use is the attachment whose credential a database wants.
	use *hotcell.Use
}

func (g *Gateway) way(v egress.Verdict, host string, port int) *way {
	w := &way{entry: hotcell.Allow{Host: host, Port: port, Protocol: v.Protocol}}
	switch v.Protocol {
	case hotcell.ProtocolHTTPS:
		w.untouched = g.Untouched != nil && g.Untouched(host, port) && !g.credentialed(host, port) && !v.Model
		w.dial = w.untouched
	case hotcell.ProtocolPostgres:
		w.use = g.database(host, port)
		w.dial = w.use == nil
	case hotcell.ProtocolTCP:
		w.dial = true
	}
	return w
}

// credentialed says whether a credential goes onto requests to a host.
func (g *Gateway) credentialed(host string, port int) bool {
	return slices.ContainsFunc(g.rules().Uses, func(u hotcell.Use) bool { return egress.Applies(&u, host, port) })
}

// decide says whether a connection may be made.
func (g *Gateway) decide(host string, port int, browser bool) egress.Verdict {
	if g.ctx.Err() != nil {
		return egress.Verdict{Reason: context.Cause(g.ctx).Error()}
	}
	return g.rules().of(browser).Connection(host, port)
}

func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tunnels >= g.limits.Connections {
		return false
	}
	g.tunnels++
	return true
}

func (g *Gateway) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tunnels--
}

func (g *Gateway) refuseConnect(w http.ResponseWriter, about hotcell.Event, reason string) {
	g.refuseStatus(w, http.StatusForbidden, about, reason)
}

func (g *Gateway) refuseStatus(w http.ResponseWriter, status int, about hotcell.Event, reason string) {
	g.noteRefusal(about, reason)
	refuse(w, status, reason+askHint(status, about.Host))
}

// noteRefusal has a refusal recorded.
func (g *Gateway) noteRefusal(about hotcell.Event, reason string) {
	about.Kind, about.Decision, about.Reason = "network.refuse", hotcell.Refused, reason
	_ = g.report(about)
}

// undialled tells of a connection that was allowed and not made.
func (g *Gateway) undialled(w http.ResponseWriter, about hotcell.Event, err error) {
	if blocked, ok := errors.AsType[*netguard.Refused](err); ok {
		g.refuseConnect(w, about, blocked.Reason)
		return
	}
	about.Kind, about.Decision, about.Reason = "network.end", hotcell.Allowed, "not connected"
	_ = g.report(about)
	reason := "the host could not be reached"
	if errors.Is(err, hotcell.ErrUnavailable) {
		reason = err.Error()
	}
	refuse(w, http.StatusBadGateway, reason)
}

// tunnel takes the cell's connection over, and has it go on once the first
// bytes show the protocol that was allowed.
func (g *Gateway) tunnel(w http.ResponseWriter, way *way, about hotcell.Event) {
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = client.Close() }()
	// The end of the gateway is the end of both.
	if way.upstream != nil {
		defer g.ends(client, way.upstream)()
	} else {
		defer g.ends(client)()
	}
	if _, err := client.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")); err != nil {
		return
	}
	began := g.Now()
	if way.use != nil {
		g.serveDatabase(client, buffered.Reader, way, about, began)
		return
	}
	head, reason, reply := opening(client, buffered.Reader, way.entry)
	if reason != "" {
		_, _ = client.Write(reply)
		g.unanswered(about, reason)
		return
	}
	if way.upstream == nil {
		before := g.limits.moved.Load()
		err := g.intercept(client, head, &target{host: way.entry.Host, port: way.entry.Port, browser: way.browser})
		if !way.browser {
			g.distrusted(about, err)
		}
		g.ended(about, g.limits.moved.Load()-before, began)
		return
	}
	if way.entry.Protocol == hotcell.ProtocolPostgres && !onLoopback(way.upstream) {
		if head = secured(client, way.upstream, head); head == nil {
			g.unanswered(about, noPlainPostgres)
			return
		}
	}
	g.passThrough(client, buffered.Reader, way.upstream, head, about, began)
}

// ends closes the connections with the gateway, or when they are cut; what it
// returns lets go of them.
func (g *Gateway) ends(connections ...io.Closer) (release func()) {
	g.mu.Lock()
	cut := g.cut
	g.mu.Unlock()
	released := make(chan struct{})
	border.Go("the end of a cell's connections", border.Log(g.Config.Log), func() {
		select {
		case <-g.ctx.Done():
		case <-cut:
		case <-released:
			return
		}
		for _, c := range connections {
			_ = c.Close()
		}
	})
	return func() { close(released) }
}

func halfClose(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		return
	}
	_ = c.Close()
}

// onLoopback says whether a connection leaves the machine at all.
func onLoopback(c net.Conn) bool {
	address, ok := c.RemoteAddr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

// secured lets a connection to a database go on only where client and server
// agree on TLS, and returns what the client sent beyond that: never nil then.
func secured(client, upstream net.Conn, head []byte) []byte {
	const request = 8
	if len(head) < request || binary.BigEndian.Uint32(head[4:]) != postgresTLS {
		return nil
	}
	if _, err := upstream.Write(head[:request]); err != nil {
		return nil
	}
	answer := make([]byte, 1)
	_ = upstream.SetReadDeadline(time.Now().Add(openingTime))
	if _, err := io.ReadFull(upstream, answer); err != nil || answer[0] != 'S' {
		return nil
	}
	_ = upstream.SetReadDeadline(time.Time{})
	if _, err := client.Write(answer); err != nil {
		return nil
	}
	return append([]byte{}, head[request:]...)
}

// openingTime is how long a client may take to show its protocol.
const openingTime = 30 * time.Second

// opening reads the first bytes of a client and holds them against the protocol
// that its entry allows. It returns them, or why not and what to tell.
func opening(client net.Conn, r io.Reader, entry hotcell.Allow) (head []byte, reason string, reply []byte) {
	if entry.Protocol == hotcell.ProtocolTCP {
		return nil, "", nil
	}
	_ = client.SetReadDeadline(time.Now().Add(openingTime))
	defer func() { _ = client.SetReadDeadline(time.Time{}) }()
	check := checkTLS
	if entry.Protocol == hotcell.ProtocolPostgres {
		check = checkPostgres
	}
	buf := make([]byte, 0, 4096)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		verdict := check(buf, entry.Host)
		switch {
		case verdict.more && err == nil && len(buf) < maxOpening:
			if len(buf) == cap(buf) {
				buf = append(buf, make([]byte, len(buf))...)[:len(buf)]
			}
			continue
		case verdict.more:
			return buf, "the connection showed no " + string(entry.Protocol), nil
		case verdict.reason != "":
			return buf, verdict.reason, explain(buf, site.FormatAllow(entry))
		}
		return buf, "", nil
	}
}

// explain answers a client that speaks plain HTTP, since people will try.
func explain(head []byte, entry string) []byte {
	for _, method := range []string{"GET ", "POST", "HEAD", "PUT ", "DELE", "OPTI", "PATC"} {
		if bytes.HasPrefix(head, []byte(method)) {
			text := fmt.Sprintf("hotcell: %s is allowed for HTTPS only\n", entry)
			return fmt.Appendf(nil, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
		}
	}
	return nil
}
