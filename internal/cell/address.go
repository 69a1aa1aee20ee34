package cell

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// loopback is the first device of every network namespace.
const loopback = 1

// addAddress adds an address to the loopback device, as `ip address add
// ADDRESS/32 dev lo` does (rtnetlink(7), RTM_NEWADDR).
func addAddress(ip netip.Addr) error { return tellKernel(newAddress(ip)) }

// ownWorld makes every address of a family the namespace's own, as `ip route add
// local default dev lo` does (rtnetlink(7), RTM_NEWROUTE).
func ownWorld(family byte) error {
	b := make([]byte, unix.NLMSG_HDRLEN)
	b = append(b, family, 0, 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT, unix.RT_SCOPE_HOST, unix.RTN_LOCAL, 0, 0, 0, 0)
	b = binary.NativeEndian.AppendUint16(b, 8)
	b = binary.NativeEndian.AppendUint16(b, unix.RTA_OIF)
	b = binary.NativeEndian.AppendUint32(b, loopback)
	return tellKernel(asRequest(b, unix.RTM_NEWROUTE))
}

// tellKernel sends a message to rtnetlink and waits for its word.
func tellKernel(message []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("opening rtnetlink: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("asking rtnetlink: %w", err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return fmt.Errorf("asking rtnetlink: %w", err)
	}
	if n < unix.NLMSG_HDRLEN+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return fmt.Errorf("asking rtnetlink: an answer of %d bytes", n)
	}
	if errno := -int32(binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:])); errno != 0 && unix.Errno(errno) != unix.EEXIST {
		return fmt.Errorf("asking rtnetlink: %w", unix.Errno(errno))
	}
	return nil
}

// newAddress is the message: a header, struct ifaddrmsg, and the address twice.
func newAddress(ip netip.Addr) []byte {
	family, scope, raw := byte(unix.AF_INET), byte(unix.RT_SCOPE_HOST), ip.AsSlice()
	if ip.Is6() {
		family, scope = unix.AF_INET6, unix.RT_SCOPE_UNIVERSE
	}
	b := make([]byte, unix.NLMSG_HDRLEN)
	// Nobody else is there who could have the address: it need not be asked for.
	b = append(b, family, byte(ip.BitLen()), unix.IFA_F_PERMANENT|unix.IFA_F_NODAD, scope)
	b = binary.NativeEndian.AppendUint32(b, loopback)
	for _, kind := range []uint16{unix.IFA_LOCAL, unix.IFA_ADDRESS} {
		b = binary.NativeEndian.AppendUint16(b, uint16(4+len(raw)))
		b = binary.NativeEndian.AppendUint16(b, kind)
		b = append(b, raw...)
	}
	return asRequest(b, unix.RTM_NEWADDR)
}

// asRequest fills in the header of a message.
func asRequest(b []byte, kind uint16) []byte {
	binary.NativeEndian.PutUint32(b[0:], uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE)
	binary.NativeEndian.PutUint32(b[8:], 1)
	return b
}
