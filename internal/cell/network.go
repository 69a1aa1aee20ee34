package cell

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
)

// The addresses that names get: 127.64.0.0/10, from .2 on.
var firstName = netip.AddrFrom4([4]byte{127, 64, 0, 2})

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
	if err := i.bearWitness(); err != nil {
		return err
	}
	if err := i.nameDoors(ctx); err != nil {
		return err
	}
	if err := i.addressDoors(ctx); err != nil {
		return err
	}
	if err := i.localDoors(ctx); err != nil {
		return err
	}
	return i.resolve()
}

// nameDoors gives each name an address of its own.
func (i *initial) nameDoors(ctx context.Context) error {
	i.names.next, i.names.at = firstName, map[string]netip.Addr{}
	for _, n := range i.spec.Names {
		if err := i.doors(ctx, n.Host, i.names.add(n.Host), n.Ports); err != nil {
			return err
		}
	}
	return nil
}

// addressDoors makes the allowed addresses the cell's own.
func (i *initial) addressDoors(ctx context.Context) error {
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
	return nil
}

// localDoors leads to ports of the machine's own loopback. A machine without
// IPv6 has no ::1.
func (i *initial) localDoors(ctx context.Context) error {
	if err := i.doors(ctx, "localhost", netip.AddrFrom4([4]byte{127, 0, 0, 1}), i.spec.Localhost); err != nil {
		return err
	}
	err := i.doors(ctx, "localhost", netip.IPv6Loopback(), i.spec.Localhost)
	if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EAFNOSUPPORT) {
		return nil
	}
	return err
}

// doors listens on an address and hands each connection over under host.
func (i *initial) doors(ctx context.Context, host string, ip netip.Addr, ports []int) error {
	for _, port := range ports {
		l, err := net.Listen("tcp", netip.AddrPortFrom(ip, uint16(port)).String())
		if err != nil {
			return fmt.Errorf("listening in the cell: %w", err)
		}
		target := net.JoinHostPort(host, strconv.Itoa(port))
		border.Go("what listens in a cell", caught, func() { accept(l, func(c net.Conn) { i.handOver(ctx, c, target) }) })
	}
	return nil
}

func accept(l net.Listener, fn func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // out of descriptors, and nothing tells when there are some
			continue
		}
		border.Go("a connection in a cell", closing(c), func() { fn(c) })
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
