package cell

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
)

// witness sees which addresses the command tries that do not exist in the cell.
// Every address of the world leads to the cell's own loopback, where nothing
// listens on it: so a try is refused at once, and its first packet is seen here.
type witness struct {
	sockets []int
	allowed map[netip.AddrPort]bool
	refused func(name string)

	mu   sync.Mutex
	seen map[netip.AddrPort]bool
}

// snap is how many bytes of a packet are looked at: the headers.
const snap = 64

// witness makes the addresses of the world the cell's own, and begins to look.
func (i *initial) bearWitness() error {
	w := &witness{allowed: map[netip.AddrPort]bool{}, refused: i.refused, seen: map[netip.AddrPort]bool{}}
	for _, a := range i.spec.Addresses {
		ip, err := netip.ParseAddr(a.Host)
		if err != nil {
			return fmt.Errorf("reading an allowed address: %w", err)
		}
		for _, port := range a.Ports {
			w.allowed[netip.AddrPortFrom(ip, uint16(port))] = true
		}
	}
	if err := w.listen(unix.ETH_P_IP, firstPackets4); err != nil {
		return err
	}
	if err := ownWorld(unix.AF_INET); err != nil {
		return err
	}
	// A machine without IPv6 has no way there that could be tried.
	if ownWorld(unix.AF_INET6) == nil {
		if err := w.listen(unix.ETH_P_IPV6, firstPackets6); err != nil {
			return err
		}
	}
	i.witness = w
	border.Go("the watch on a cell's packets", caught, w.watch)
	return nil
}

// listen opens a packet socket (packet(7)) behind a filter.
func (w *witness) listen(protocol uint16, program []bpf.Instruction) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("looking at the cell's packets: %w", err)
	}
	w.sockets = append(w.sockets, fd)
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("looking at the cell's packets: %w", err)
	}
	filter := make([]unix.SockFilter, len(raw))
	for n, r := range raw {
		filter[n] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}); err != nil {
		return fmt.Errorf("looking at the cell's packets: %w", err)
	}
	order := protocol<<8 | protocol>>8 // network byte order
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: order, Ifindex: loopback}); err != nil {
		return fmt.Errorf("looking at the cell's packets: %w", err)
	}
	return nil
}

// firstPackets4 lets through what begins a connection (SYN without ACK) and
// every datagram, to anywhere but 127.0.0.0/8 (RFC 791, RFC 9293, RFC 768).
var firstPackets4 = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 16, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 127, SkipTrue: 8},
	bpf.LoadAbsolute{Off: 9, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_UDP, SkipTrue: 5},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_TCP, SkipTrue: 5},
	bpf.LoadMemShift{Off: 0},
	bpf.LoadIndirect{Off: 13, Size: 1},
	bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x12},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x02, SkipTrue: 1},
	bpf.RetConstant{Val: snap},
	bpf.RetConstant{Val: 0},
}

// firstPackets6 is the same for IPv6, to anywhere but ::1 (RFC 8200).
var firstPackets6 = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 24, Size: 4},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 6},
	bpf.LoadAbsolute{Off: 28, Size: 4},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 4},
	bpf.LoadAbsolute{Off: 32, Size: 4},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 2},
	bpf.LoadAbsolute{Off: 36, Size: 4},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 1, SkipTrue: 7},
	bpf.LoadAbsolute{Off: 6, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_UDP, SkipTrue: 4},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_TCP, SkipTrue: 4},
	bpf.LoadAbsolute{Off: 40 + 13, Size: 1},
	bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x12},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x02, SkipTrue: 1},
	bpf.RetConstant{Val: snap},
	bpf.RetConstant{Val: 0},
}

// watch looks until the cell ends.
func (w *witness) watch() {
	polled := make([]unix.PollFd, len(w.sockets))
	for n, fd := range w.sockets {
		polled[n] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	for {
		if _, err := unix.Poll(polled, -1); err != nil && err != unix.EINTR {
			return
		}
		border.Func("a packet of a cell", caught, w.look)()
	}
}

// look tells of what came until now. It is called once more when the command
// has ended, so that its last try is told of too.
func (w *witness) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	packet := make([]byte, snap)
	for _, fd := range w.sockets {
		for {
			n, _, err := unix.Recvfrom(fd, packet, 0)
			if err != nil {
				break
			}
			if to, ok := destination(packet[:n]); ok {
				w.tell(to)
			}
		}
	}
}

// tell tells of an address once.
func (w *witness) tell(to netip.AddrPort) {
	if w.allowed[to] || w.seen[to] || len(w.seen) >= maxRefused {
		return
	}
	w.seen[to] = true
	w.refused(to.String())
}

// destination reads where a packet goes. TCP and UDP have the port at the same
// place.
func destination(b []byte) (netip.AddrPort, bool) {
	if len(b) < 20 {
		return netip.AddrPort{}, false
	}
	var ip netip.Addr
	header := int(b[0]&0x0f) * 4
	switch b[0] >> 4 {
	case 4:
		ip = netip.AddrFrom4([4]byte(b[16:20]))
	case 6:
		if len(b) < 40 {
			return netip.AddrPort{}, false
		}
		ip, header = netip.AddrFrom16([16]byte(b[24:40])), 40
	default:
		return netip.AddrPort{}, false
	}
	if len(b) < header+4 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[header+2:])), true
}
