package cell

import (
	"errors"
	"log/slog"
	"net"
	"os"

	"github.com/miekg/dns"

	"hotcell/internal/line/border"
)

// caught tells of a fault of ours in a cell's first process: its words go to the
// worker, which keeps them for its log.
func caught(f *border.Fault) { border.Tell(slog.New(slog.NewTextHandler(os.Stderr, nil)), f) }

// fault is [caught] for an error that may be one.
func fault(err error) {
	if f, ok := errors.AsType[*border.Fault](err); ok {
		caught(f)
	}
}

// closing is [caught], and closes a connection that met the fault.
func closing(c net.Conn) border.Caught {
	return func(f *border.Fault) {
		_ = c.Close()
		caught(f)
	}
}

// bordered answers a question that met a fault with a failure (RFC 1035 section
// 4.1.1): the library calls each handler in a goroutine of its own.
type bordered struct{ dns.Handler }

// ServeDNS implements [dns.Handler].
func (b bordered) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	border.Func("a name that the command asks for", func(f *border.Fault) {
		caught(f)
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
	}, func() { b.Handler.ServeDNS(w, q) })()
}
