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
	"sync/atomic"
	"time"

	"hotcell"
	"hotcell/internal/netguard"
	"hotcell/internal/site"
)

// maxTunnels is how many connections out a job may have at once.
const maxTunnels = 256

// connect opens a connection out: decided, recorded, dialled, joined.
func (g *Gateway) connect(w http.ResponseWriter, r *http.Request) {
	host, port, err := site.HostPort(r.Host)
	if err != nil || r.RequestURI != r.Host {
		g.refuseConnect(w, hotcell.Event{Host: printable(r.Host)}, "the target is not a host and a port")
		return
	}
	about := hotcell.Event{Host: net.JoinHostPort(host, fmt.Sprint(port))}
	entry, reason := g.decide(host, port)
	if reason != "" {
		g.refuseConnect(w, about, reason)
		return
	}
	if !g.enter() {
		g.refuseConnect(w, about, fmt.Sprintf("the job has %d connections open already", maxTunnels))
		return
	}
	defer g.leave()
	intent := about
	intent.Kind, intent.Decision = "network.connect", hotcell.Allowed
	if entry.Protocol == hotcell.ProtocolTCP {
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
	upstream, err := g.Dialer.Dial(r.Context(), host, port)
	if err != nil {
		g.undialled(w, about, err)
		return
	}
	g.tunnel(w, upstream, entry, about)
}

// decide says why not, or which entry allows it.
func (g *Gateway) decide(host string, port int) (hotcell.Allow, string) {
	if g.ctx.Err() != nil {
		return hotcell.Allow{}, context.Cause(g.ctx).Error()
	}
	for _, a := range g.Job.Work.Allow {
		if a.Host != host || a.Port != port {
			continue
		}
		if a.Protocol == hotcell.ProtocolTCP && !g.TCP(a) {
			return a, "connections of the protocol tcp pass unguarded and need the operator's setting: egress.hosts with tcp: true"
		}
		return a, ""
	}
	return hotcell.Allow{}, "the host and port are not in the assignment's allow-list"
}

func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tunnels >= maxTunnels {
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
	about.Kind, about.Decision, about.Reason = "network.refuse", hotcell.Refused, reason
	_ = g.report(about)
	refuse(w, http.StatusForbidden, reason)
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

// tunnel joins the cell's connection with the one out, once the first bytes
// show the protocol that was allowed.
func (g *Gateway) tunnel(w http.ResponseWriter, upstream net.Conn, entry hotcell.Allow, about hotcell.Event) {
	defer func() { _ = upstream.Close() }()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = client.Close() }()
	// The end of the gateway is the end of both.
	defer g.ends(client, upstream)()
	if _, err := client.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")); err != nil {
		return
	}
	began := g.Now()
	head, reason, reply := opening(client, buffered.Reader, entry)
	if reason != "" {
		_, _ = client.Write(reply)
		about.Kind, about.Decision, about.Reason = "network.refuse", hotcell.Refused, reason
		_ = g.report(about)
		return
	}
	if entry.Protocol == hotcell.ProtocolPostgres && !onLoopback(upstream) {
		if head = secured(client, upstream, head); head == nil {
			about.Kind, about.Decision, about.Reason = "network.refuse", hotcell.Refused, noPlainPostgres
			_ = g.report(about)
			return
		}
	}
	var sent, received atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		n, _ := io.Copy(upstream, io.MultiReader(bytes.NewReader(head), client))
		sent.Add(n)
		halfClose(upstream)
	}()
	n, _ := io.Copy(client, upstream)
	received.Add(n)
	halfClose(client)
	<-done
	about.Kind, about.Decision = "network.end", hotcell.Allowed
	about.Size, about.Duration = sent.Load()+received.Load(), g.Now().Sub(began).Milliseconds()
	if g.ctx.Err() != nil {
		about.Reason = context.Cause(g.ctx).Error()
	}
	_ = g.report(about)
}

// ends closes the connections with the gateway, or when they are cut; what it
// returns lets go of them.
func (g *Gateway) ends(connections ...net.Conn) (release func()) {
	g.mu.Lock()
	cut := g.cut
	g.mu.Unlock()
	released := make(chan struct{})
	go func() {
		select {
		case <-g.ctx.Done():
		case <-cut:
		case <-released:
			return
		}
		for _, c := range connections {
			_ = c.Close()
		}
	}()
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
