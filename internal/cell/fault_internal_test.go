package cell

import (
	"io"
	"net"
	"testing"

	"github.com/miekg/dns"
)

// The init of a cell runs what the command sends through names, connections and a log:
// a fault at any of them ends that one alone.

func TestAConnectionThatThrowsEndsAlone(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	turn := make(chan bool, 2)
	turn <- true
	turn <- false
	go accept(l, func(c net.Conn) {
		if <-turn {
			panic("a connection")
		}
		_, _ = io.WriteString(c, "well")
		_ = c.Close()
	})
	for _, want := range []string{"", "well"} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(c); string(got) != want {
			t.Errorf("it said %q, want %q", got, want)
		}
		_ = c.Close()
	}
}

func TestANameThatThrowsIsAnsweredWithAFailure(t *testing.T) {
	t.Parallel()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: packets, Handler: bordered{dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Name == "throw.test." {
			panic("a name")
		}
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeNameError))
	})}}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	for name, want := range map[string]int{"throw.test.": dns.RcodeServerFailure, "well.test.": dns.RcodeNameError} {
		answer, err := dns.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), packets.LocalAddr().String())
		if err != nil || answer.Rcode != want {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
}
