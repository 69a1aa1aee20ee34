package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/cellrpc"
)

// The bounds of what a job is told of its refusals.
const (
	maxRefusals = 100
	maxSaid     = 20
	sayTime     = 5 * time.Second
)

// refusals are what the job was refused, for the job itself: by a tool, and, where no
// protocol has a place for a reason, as a line of its log.
type refusals struct {
	mu   sync.Mutex
	list []cellrpc.Refusal
	said int
}

// note keeps a refusal; one like another is counted with it. Of too many, the oldest go.
func (r *refusals) note(e hotcell.Event, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, old := range r.list {
		if old.Host == e.Host && old.Reason == e.Reason {
			old.Count, old.Last = old.Count+1, at
			r.list = append(slices.Delete(r.list, i, i+1), old)
			return
		}
	}
	if len(r.list) == maxRefusals {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, cellrpc.Refusal{Host: e.Host, Reason: e.Reason, Count: 1, Last: at})
}

// all are the refusals, the newest last.
func (r *refusals) all() []cellrpc.Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// may says whether one more line may be said in the log, and whether it is the last.
func (r *refusals) may() (ok, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said++
	return r.said <= maxSaid, r.said == maxSaid
}

// unanswered notes a refusal of which the client hears nothing but that there is no
// connection, and says it in the job's log.
func (g *Gateway) unanswered(about hotcell.Event, reason string) {
	g.noteRefusal(about, reason)
	g.say(about.Host + " was refused: " + reason)
}

// say writes a line of the house into the job's log. A job that causes many hears the
// first ones.
func (g *Gateway) say(text string) {
	ok, last := g.refusals.may()
	if !ok {
		return
	}
	if patterns := g.patterns.Load(); patterns != nil {
		text = string(patterns.Redact([]byte(text)))
	}
	if last {
		text += " (no more is said here: hotcell audit list --job " + string(g.Job.ID) + ")"
	}
	ctx, cancel := context.WithTimeout(g.ctx, sayTime)
	defer cancel()
	_ = g.Sink.Log(ctx, "hotcell", g.Now(), []byte("hotcell: "+text+"\n"))
}

// errDistrusted ends a connection whose client does not take the job's own authority
// for one.
var errDistrusted = errors.New("the client does not trust the job's own authority")

// distrusted says in the job's log that a program broke its connection off for that: no
// answer reaches it.
func (g *Gateway) distrusted(about hotcell.Event, err error) {
	if errors.Is(err, errDistrusted) {
		g.say("a program broke its connection to " + about.Host + " off: it does not trust the job's own authority, which is in " + cellrpc.Bundle)
	}
}

// refusesCertificate says whether what a client sent last, or what the library made of
// it, is an alert about the certificate that it was shown (RFC 8446 section 6). Some
// send that before they encipher anything, and the library cannot read it then.
func refusesCertificate(tail []byte, err error) bool {
	const record, fatal = 21, 2
	for _, alert := range []tls.AlertError{badCertificate, unsupportedCertificate, certificateUnknown, unknownAuthority} {
		if bytes.HasSuffix(tail, []byte{0, 2, fatal, byte(alert)}) && len(tail) == alertSize && tail[0] == record {
			return true
		}
		// The library's type for an alert is its own; its words are not.
		if remote, ok := errors.AsType[*net.OpError](err); ok && remote.Err != nil && remote.Err.Error() == alert.Error() {
			return true
		}
	}
	return false
}

// The alerts by which clients refuse a certificate.
const (
	badCertificate, unsupportedCertificate = 42, 43
	certificateUnknown, unknownAuthority   = 46, 48
)

// alertSize is the length of a record that holds an alert, in bytes.
const alertSize = 7
