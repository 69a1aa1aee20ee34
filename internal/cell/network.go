package cell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"hotcell/internal/cellrpc"
)

// The addresses that names get: 127.64.0.0/10, from .2 on.
var firstName = netip.AddrFrom4([4]byte{127, 64, 0, 2})

// proxyPort is where clients that resolve by a proxy find one.
const proxyPort = 3128

// network makes the cell's names and addresses: each is listened on here, and
// each connection goes to the gateway with the name.
func (i *initial) network(ctx context.Context) error {
	// The command is no root, and what it may reach is on the ports as they are
	// outside.
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0); err != nil {
		return fmt.Errorf("opening the cell's ports: %w", err)
	}
	// getaddrinfo with AI_ADDRCONFIG answers nothing where there is only 127.0.0.1.
	if err := addAddress(netip.AddrFrom4([4]byte{127, 64, 0, 1})); err != nil {
		return fmt.Errorf("giving the cell an address: %w", err)
	}
	names := map[string]netip.Addr{}
	next := firstName
	for _, n := range i.spec.Names {
		names[n.Host] = next
		if err := i.doors(ctx, n.Host, next, n.Ports); err != nil {
			return err
		}
		next = next.Next()
	}
	for _, a := range i.spec.Addresses {
		ip, err := netip.ParseAddr(a.Host)
		if err != nil {
			return fmt.Errorf("adding an address to the cell: %w", err)
		}
		if !ip.IsLoopback() {
			if err := addAddress(ip); err != nil {
				return fmt.Errorf("adding an address to the cell: %w", err)
			}
		}
		if err := i.doors(ctx, a.Host, ip, a.Ports); err != nil {
			return err
		}
	}
	for _, ip := range []string{"127.0.0.1", "::1"} {
		if err := i.doors(ctx, "localhost", netip.MustParseAddr(ip), i.spec.Localhost); err != nil {
			return err
		}
	}
	if err := i.proxy(ctx); err != nil {
		return err
	}
	return i.answer(names)
}

// doors listens on an address and hands each connection over under host.
func (i *initial) doors(ctx context.Context, host string, ip netip.Addr, ports []int) error {
	for _, port := range ports {
		l, err := net.Listen("tcp", netip.AddrPortFrom(ip, uint16(port)).String())
		if err != nil {
			return fmt.Errorf("listening in the cell: %w", err)
		}
		target := net.JoinHostPort(host, strconv.Itoa(port))
		go accept(l, func(c net.Conn) { i.handOver(ctx, c, target) })
	}
	return nil
}

func accept(l net.Listener, fn func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors: the command may have them all
			continue
		}
		go fn(c)
	}
}

// handOver gives a connection of the command to the gateway.
func (i *initial) handOver(ctx context.Context, c net.Conn, target string) {
	out, err := i.gateway.connect(ctx, target)
	if err != nil {
		// A reset tells a client at once, where an empty stream would puzzle it.
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
		return
	}
	join(c, out)
}

// proxy serves CONNECT for clients that resolve by a proxy. Nothing else of
// what the gateway understands can be said here.
func (i *initial) proxy(ctx context.Context) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(proxyPort)))
	if err != nil {
		return fmt.Errorf("listening in the cell: %w", err)
	}
	go accept(l, func(c net.Conn) { i.proxied(ctx, c) })
	return nil
}

func (i *initial) proxied(ctx context.Context, c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	reader := bufio.NewReaderSize(c, 8192)
	target, err := readConnect(reader)
	_ = c.SetReadDeadline(time.Time{})
	if err != nil {
		_, _ = fmt.Fprintf(c, "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nhotcell: %v\n", err)
		_ = c.Close()
		return
	}
	out, err := i.gateway.connect(ctx, target)
	if err != nil {
		_, _ = fmt.Fprintf(c, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nhotcell: %v\n", err)
		_ = c.Close()
		return
	}
	_, _ = c.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
	if n := reader.Buffered(); n > 0 {
		head, _ := reader.Peek(n)
		_, _ = out.Write(head)
	}
	join(c, out)
}

// maxHead is how long the head of a proxy's request may be.
const maxHead = 8192

// readConnect reads a CONNECT request and returns its target, host and port.
func readConnect(r *bufio.Reader) (string, error) {
	var target string
	for size := 0; ; {
		line, err := r.ReadSlice('\n')
		if size += len(line); err != nil || size > maxHead {
			return "", errors.New("this is no request to a proxy")
		}
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case text == "" && target != "":
			return target, nil
		case target == "":
			fields := strings.Fields(text)
			if len(fields) != 3 || fields[0] != "CONNECT" || !plainTarget(fields[1]) {
				return "", errors.New("the cell's proxy takes CONNECT for HTTPS only")
			}
			target = fields[1]
		}
	}
}

// plainTarget lets through what can be nothing but a host and a port: the
// gateway decides on it.
func plainTarget(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(".-_:[]", rune(c)) {
			return false
		}
	}
	return s != ""
}

// answer serves names on 127.0.0.1:53.
func (i *initial) answer(names map[string]netip.Addr) error {
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

// report tells of a name once.
func (r *resolver) report(name string) {
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
