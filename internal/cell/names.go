package cell

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"hotcell/internal/cellrpc"
)

// resolve serves names on 127.0.0.1:53.
func (i *initial) resolve(names map[string]netip.Addr) error {
	handler := &resolver{names: names, refused: i.refused(), seen: map[string]bool{}}
	packets, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		return fmt.Errorf("serving names in the cell: %w", err)
	}
	streams, err := net.Listen("tcp", "127.0.0.1:53")
	if err != nil {
		return fmt.Errorf("serving names in the cell: %w", err)
	}
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: streams, Handler: handler}} {
		go func() { _ = s.ActivateAndServe() }()
	}
	return nil
}

// maxRefused bounds how many names are told of: a command can make up many.
const maxRefused = 1000

// refused tells the gateway of names, one after the other.
func (i *initial) refused() chan<- string {
	names := make(chan string, maxRefused)
	go func() {
		for name := range names {
			_ = i.gateway.post(context.Background(), cellrpc.PathRefused, cellrpc.Refused{Name: name}, nil)
		}
	}()
	return names
}

// resolver answers for the names that exist. Any other name does not.
type resolver struct {
	names   map[string]netip.Addr
	refused chan<- string
	mu      sync.Mutex
	seen    map[string]bool
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
	ip, known := r.names[name]
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

// report tells of a name once. Addresses that are looked up backwards are none.
func (r *resolver) report(name string) {
	if name == "" || strings.HasSuffix(name, ".arpa") {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[name] || len(r.seen) >= maxRefused {
		return
	}
	r.seen[name] = true
	select {
	case r.refused <- name:
	default:
	}
}
