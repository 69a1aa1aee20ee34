package vault

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/vault/internal/people"
)

// Owners lets in whoever owns the data folder, by the socket in it. The socket is the
// vault's: it judges by what the kernel says of the peer (SO_PEERCRED, unix(7)), reads
// nothing, and hands the connection to the control plane with a bearer that is good for
// that one. So the control plane cannot say by itself that somebody is the owner.
type Owners struct {
	uid    int
	locals *people.Locals
}

// NewOwners lets in one uid, and root.
func NewOwners(uid int, now func() time.Time) *Owners {
	return &Owners{uid, people.NewLocals(now)}
}

// Admit makes a bearer of somebody whom this process has judged by itself.
func (o *Owners) Admit(who hotcell.Principal) hotcell.Bearer { return o.locals.Admit(who) }

// Owner is the server's owner, let in as by the socket: for who has the vault in a process
// of their own.
func (d *Daemon) Owner() hotcell.Principal {
	p := d.vault.Local()
	p.Bearer = d.owners.locals.AdmitOwner()
	return p
}

// handTime is how long the control plane may leave a connection that is handed to it.
const handTime = 5 * time.Second

// Let lets owners in until ctx ends.
func (o *Owners) Let(ctx context.Context, l *net.UnixListener, to *socketpair.Dialer, log *slog.Logger) error {
	defer border.WithEnd(ctx, "the end of the owner's socket", border.Log(log), func() { _ = l.Close() })()
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return nil // it was closed since the vault ends
			}
			return fmt.Errorf("letting the owner in: %w", err)
		}
		if err := o.let(ctx, c, to); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "a connection on the owner's socket was not handed over", "error", err)
		}
	}
}

func (o *Owners) let(ctx context.Context, c *net.UnixConn, to *socketpair.Dialer) error {
	defer func() { _ = c.Close() }() // this process's copy
	if !o.owns(c) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, handTime)
	defer cancel()
	bearer := o.locals.AdmitOwner()
	err := to.Hand(ctx, c, string(bearer))
	if err != nil {
		o.locals.Part(bearer)
	}
	return err
}

// owns says whether the peer of a connection is the owner, or root, whatever the socket's
// mode has become.
func (o *Owners) owns(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	may := false
	err = raw.Control(func(fd uintptr) {
		peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		may = err == nil && (peer.Uid == 0 || int(peer.Uid) == o.uid)
	})
	return err == nil && may
}
