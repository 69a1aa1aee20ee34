package cell

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
)

// names are those that exist in the cell, each with an address of its own.
type names struct {
	mu   sync.RWMutex
	next netip.Addr
	at   map[string]netip.Addr
}

// add is the address of a name, which exists from then on.
func (n *names) add(host string) netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	host = strings.ToLower(host)
	ip, known := n.at[host]
	if !known {
		ip, n.next = n.next, n.next.Next()
		n.at[host] = ip
	}
	return ip
}

func (n *names) find(host string) (netip.Addr, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	ip, known := n.at[host]
	return ip, known
}

// resolve serves names on 127.0.0.1:53.
func (i *initial) resolve() error {
	handler := bordered{&resolver{names: &i.names, refused: i.refused, seen: map[string]*sync.Once{}}}
	packets, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		return fmt.Errorf("serving names in the cell: %w", err)
	}
	streams, err := net.Listen("tcp", "127.0.0.1:53")
	if err != nil {
		return fmt.Errorf("serving names in the cell: %w", err)
	}
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: streams, Handler: handler}} {
		border.Go("the names of a cell", caught, func() { _ = s.ActivateAndServe() })
	}
	return nil
}

// The bounds of what the gateway is told of: a command can make up many names.
const (
	maxRefused  = 1000
	refusalTime = 5 * time.Second
)

// refused tells the gateway of a name that was asked for and does not exist.
// The guard is on that too: a name is a way out, if only to the audit log.
func (i *initial) refused(name string) {
	guard := i.guard.Load()
	if guard == nil {
		return // nothing of the command's runs yet
	}
	name = string(guard.Redact([]byte(name)))
	ctx, cancel := context.WithTimeout(context.Background(), refusalTime)
	defer cancel()
	_ = i.gateway.post(ctx, cellrpc.PathRefused, cellrpc.Refused{Name: name}, nil)
}

// resolver answers for the names that exist. Any other name does not.
type resolver struct {
	names   *names
	refused func(name string)
	mu      sync.Mutex
	seen    map[string]*sync.Once
}

// ServeDNS implements [dns.Handler].
func (r *resolver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	m.Authoritative, m.RecursionAvailable = true, true
	if len(q.Question) != 1 || q.Question[0].Qclass != dns.ClassINET {
		m.Rcode = dns.RcodeRefused
		_ = w.WriteMsg(m)
		return
	}
	question := q.Question[0]
	name := strings.ToLower(strings.TrimSuffix(question.Name, "."))
	ip, known := r.names.find(name)
	switch {
	case name == "localhost":
		r.localhost(m, question)
	case !known:
		m.Rcode = dns.RcodeNameError
		r.report(name)
	case question.Qtype == dns.TypeA:
		m.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60},
			A:   ip.AsSlice(),
		}}
	}
	_ = w.WriteMsg(m)
}

// localhost answers those who ask here for what /etc/hosts says (RFC 6761 section 6.3).
func (r *resolver) localhost(m *dns.Msg, q dns.Question) {
	header := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 60}
	switch q.Qtype {
	case dns.TypeA:
		m.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)}}
	case dns.TypeAAAA:
		m.Answer = []dns.RR{&dns.AAAA{Hdr: header, AAAA: net.IPv6loopback}}
	}
}

// report tells of a name once, before anybody has the answer: what is refused is
// written down, also where the command ends at once. Addresses that are looked
// up backwards are no names.
func (r *resolver) report(name string) {
	if name == "" || strings.HasSuffix(name, ".arpa") {
		return
	}
	r.mu.Lock()
	once := r.seen[name]
	if once == nil && len(r.seen) < maxRefused {
		once = new(sync.Once)
		r.seen[name] = once
	}
	r.mu.Unlock()
	if once != nil {
		once.Do(func() { r.refused(name) })
	}
}
