package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/pgwire"
	"hotcell/internal/wire/relay"
)

// database is the attachment whose stand-in password a database's client uses.
func (g *Gateway) database(host string, port int) *hotcell.Use {
	uses := g.rules().Uses
	for n := range uses {
		if uses[n].As == hotcell.InjectStandIn && egress.Applies(&uses[n], host, port) {
			return &uses[n]
		}
	}
	return nil
}

// serveDatabase speaks to the client in the database's place until it has shown
// its stand-in password; the vault makes the connection, with the real one.
func (g *Gateway) serveDatabase(client net.Conn, buffered *bufio.Reader, way *way, about hotcell.Event, began time.Time) {
	config, err := g.authority.config(way.entry.Host, "postgresql")
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(g.ctx, openingTime)
	defer cancel()
	var back *backend
	front, err := pgwire.Accept(ctx, relay.Rest(client, buffered), config, func(user, database string) (string, error) {
		var err error
		back, err = g.openDatabase(ctx, way, user, database)
		if err != nil {
			return "", err
		}
		return back.opened.StandIn, nil
	})
	if back != nil {
		defer func() { _ = back.conn.Close() }()
	}
	if err != nil {
		g.refusedDatabase(front, about, err)
		return
	}
	defer g.ends(client, back.conn)()
	if err := front.Complete(back.opened.Status, back.opened.PID, back.opened.Key); err != nil {
		return
	}
	sent, received, _ := pgwire.Relay(front.Conn(), back.conn)
	g.ended(about, sent+received, began)
}

// backend is a database's side of a connection.
type backend struct {
	conn   io.ReadWriteCloser
	opened vaultrpc.DatabaseOpened
}

func (g *Gateway) openDatabase(ctx context.Context, way *way, user, database string) (*backend, error) {
	// The connection outlives the time that it may take to be made.
	conn, opened, err := g.Vault.Connect(context.WithoutCancel(ctx), g.Job.ID, way.use.Attachment, vaultrpc.DatabaseOpening{
		Host: way.entry.Host, Port: way.entry.Port, User: user, Database: database,
	})
	if err != nil {
		return nil, err
	}
	return &backend{conn, opened}, nil
}

// refusedDatabase tells the client why it does not get in.
func (g *Gateway) refusedDatabase(front *pgwire.Front, about hotcell.Event, err error) {
	g.noteRefusal(about, err.Error())
	code := "08006" // connection_failure
	if errors.Is(err, hotcell.ErrDenied) {
		code = "28000" // invalid_authorization_specification
	}
	if front != nil {
		_ = front.Fail(code, "hotcell: "+err.Error())
	}
}
