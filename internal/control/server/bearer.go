package server

import (
	"context"
	"net"
	"sync"

	"hotcell"
	"hotcell/internal/line/socketpair"
)

// letIn accepts whom the vault hands over.
type letIn struct {
	*socketpair.Listener
	parted func(hotcell.Bearer)
}

// owned is a connection with the bearer that came with it.
type owned struct {
	net.Conn
	bearer hotcell.Bearer
	parted func(hotcell.Bearer)
	once   sync.Once
}

func (l *letIn) Accept() (net.Conn, error) {
	c, word, err := l.Receive()
	if err != nil {
		return nil, err
	}
	return &owned{Conn: c, bearer: hotcell.Bearer(word), parted: l.parted}, nil
}

// Close tells that the bearer has no use any more.
func (o *owned) Close() error {
	err := o.Conn.Close()
	if o.parted != nil {
		o.once.Do(func() { o.parted(o.bearer) })
	}
	return err
}

type bearerKey struct{}

// borne keeps a connection's bearer with its requests.
func borne(ctx context.Context, c net.Conn) context.Context {
	if o, ok := c.(*owned); ok {
		return context.WithValue(ctx, bearerKey{}, o.bearer)
	}
	return ctx
}

// Bearer is what the connection of a request came with: "" for one on the port.
func Bearer(ctx context.Context) hotcell.Bearer {
	b, _ := ctx.Value(bearerKey{}).(hotcell.Bearer)
	return b
}
