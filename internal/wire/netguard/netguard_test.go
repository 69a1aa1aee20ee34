package netguard_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"hotcell"
	"hotcell/internal/wire/netguard"
)

var refused = []string{
	"127.0.0.1", "127.8.9.10", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
	"169.254.169.254", "169.254.0.1", "100.64.0.1", "100.127.255.255", "100.100.100.200", "192.0.0.1", "192.0.0.171", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255",
	"198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::127.0.0.1", "::10.0.0.1",
	"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1",
	"2002:7f00:1::", "2002:0a00:1::1", "2002:a9fe:a9fe::", "2002:c0a8:101::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1",
	"fc00::1", "fd00::1", "fd00:ec2::254", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff02::1", "ff0e::1",
	"168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::168.63.129.16", "2002:a83f:8110::1", "2606:4700::5efe:127.0.0.1", "2606:4700::200:5efe:169.254.169.254", "2606:4700:1:2:100:5efe:10.0.0.1",
	"2606:4700::300:5efe:168.63.129.16", "2002:0808:0808::5efe:192.168.0.1", "4000::1", "1000::1", "8000::1", "e000::1", "200::1", "400::1", "64:ff9b:0:1::8.8.8.8",
}

type answers func(host string) []netip.Addr

func (a answers) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if found := a(host); len(found) > 0 {
		return found, nil
	}
	return nil, errors.New("no such host")
}

func TestNothingButThePublicInternetIsDialled(t *testing.T) {
	t.Parallel()
	for _, address := range refused {
		g := netguard.New(netguard.Config{Resolver: answers(func(string) []netip.Addr { return []netip.Addr{netip.MustParseAddr(address)} })})
		for _, host := range []string{address, "rebound.test"} {
			c, err := g.Dial(context.Background(), host, 9)
			var r *netguard.Refused
			if !errors.As(err, &r) || !errors.Is(err, hotcell.ErrDenied) {
				t.Errorf("%s as %s: %v, %v", address, host, c, err)
			} else if host != address && strings.Contains(err.Error(), address) {
				t.Errorf("the refusal tells the address: %v", err)
			}
		}
	}
}

func server(t *testing.T) (port int, accepted *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	accepted = &atomic.Int64{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_ = c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, accepted
}

func TestTheOperatorMayAllowByAddressRangeAndNameWithPort(t *testing.T) {
	t.Parallel()
	port, _ := server(t)
	pins := map[string]netip.Addr{"api.acme.test": netip.MustParseAddr("127.0.0.1")}
	for _, c := range []struct {
		entry string
		may   bool
	}{
		{"127.0.0.1", true}, {"127.0.0.0/8", true}, {"api.acme.test", true}, {"10.0.0.0/8", false}, {"acme.test", false},
		{net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), true}, {net.JoinHostPort("api.acme.test", strconv.Itoa(port)), true}, {"api.acme.test:1", false}, {"127.0.0.1:1", false},
	} {
		entry, err := netguard.ParsePrivate(c.entry)
		if err != nil {
			t.Fatal(err)
		}
		g := netguard.New(netguard.Config{AllowPrivate: []netguard.Private{entry}, Pins: pins})
		conn, err := g.Dial(context.Background(), "api.acme.test", port)
		if (err == nil) != c.may {
			t.Errorf("%s: %v", c.entry, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	for _, bad := range []string{"", "x:0", "x:y", "http://x", "10.0.0.0/40", "*.x"} {
		if _, err := netguard.ParsePrivate(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestANameThatChangesItsMindReachesNothingPrivate(t *testing.T) {
	t.Parallel()
	port, accepted := server(t)
	var asked atomic.Int64
	g := netguard.New(netguard.Config{Resolver: answers(func(string) []netip.Addr {
		if asked.Add(1)%2 == 0 {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::ffff:127.0.0.1")}
	})})
	for range 50 {
		if c, err := g.Dial(context.Background(), "flip.test", port); err == nil {
			_ = c.Close()
			t.Fatal("dialled a loopback address")
		}
	}
	if n := accepted.Load(); n != 0 {
		t.Errorf("%d connections arrived", n)
	}
}

func TestUnreachableSaysNoAddress(t *testing.T) {
	t.Parallel()
	entry, _ := netguard.ParsePrivate("127.0.0.1")
	g := netguard.New(netguard.Config{AllowPrivate: []netguard.Private{entry}, Pins: map[string]netip.Addr{"x.test": netip.MustParseAddr("127.0.0.1")}})
	_, err := g.Dial(context.Background(), "x.test", 1)
	if !errors.Is(err, hotcell.ErrUnavailable) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("%v", err)
	}
}
