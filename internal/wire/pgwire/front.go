// Package pgwire stands between a client of PostgreSQL and its database while
// both show who they are: to the client it is the database, to the database it
// is the client, and each is shown another password (PostgreSQL's documentation,
// "Frontend/Backend Protocol", version 3).
//
// It guards that a password is shown to the database alone that it is for, and to
// that one by SCRAM, unless the operator said otherwise ([Trust]). After that, it
// looks at nothing. One way to use it:
//
//	front, err := pgwire.Accept(ctx, client, config, password)
//	back, err := pgwire.Connect(ctx, pgwire.Config{…})
//	err = front.Complete(back.Status, back.PID, back.Key)
//	sent, received, err := pgwire.Relay(front.Conn(), back.Conn())
package pgwire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"hotcell"
)

// The codes of first messages.
const (
	codeCancel = 80877102
	codeTLS    = 80877103
	codeGSS    = 80877104
	version3   = 3
)

// maxStartup is how long a client's messages may be before it is let in.
const maxStartup = 10_000

// Front is a client that is being let in.
type Front struct {
	conn net.Conn
	// Parameters are what it said of itself: user, database, options.
	Parameters map[string]string
}

// ErrCancel is a client that asks to cancel a query of another connection.
var ErrCancel = errors.New("a request to cancel")

var errStartup = fmt.Errorf("%w: the client does not speak PostgreSQL's protocol", hotcell.ErrInvalid)

// Accept lets a client in that speaks TLS and knows the password, which is asked
// for once its user and database are known. It returns a front beside an error
// where the client can be told of it.
func Accept(ctx context.Context, conn net.Conn, config *tls.Config, password func(user, database string) (string, error)) (*Front, error) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
		defer func() { _ = conn.SetDeadline(time.Time{}) }()
	}
	f := &Front{conn: conn}
	if err := f.start(ctx, config); err != nil {
		if f.Parameters == nil {
			return nil, err
		}
		return f, err
	}
	secret, err := password(f.Parameters["user"], f.Parameters["database"])
	if err != nil {
		return f, err
	}
	return f, f.authenticate(secret)
}

// start reads first messages until the client says who it is.
func (f *Front) start(ctx context.Context, config *tls.Config) error {
	first := make([]byte, 1)
	if _, err := io.ReadFull(f.conn, first); err != nil {
		return errStartup
	}
	f.conn = &unread{f.conn, first}
	secured := false
	if first[0] == 22 { // a TLS record: the client begins with it (PostgreSQL 17)
		if err := f.secure(ctx, config); err != nil {
			return err
		}
		secured = true
	}
	for range 3 {
		code, rest, err := f.startup()
		switch {
		case err != nil:
			return err
		case code == codeCancel:
			return ErrCancel
		case code == codeGSS:
			_, err = f.conn.Write([]byte("N"))
		case code == codeTLS && !secured:
			if _, err = f.conn.Write([]byte("S")); err == nil {
				err = f.secure(ctx, config)
			}
			secured = true
		case code>>16 == version3:
			if f.Parameters, err = parameters(rest); err == nil && !secured {
				err = fmt.Errorf("%w: the connection is not under TLS: use sslmode=require or, better, verify-full", hotcell.ErrDenied)
			}
			return err
		default:
			return errStartup
		}
		if err != nil {
			return err
		}
	}
	return errStartup
}

// unread is a connection of which some bytes were read too early.
type unread struct {
	net.Conn
	first []byte
}

func (u *unread) Read(p []byte) (int, error) {
	if len(u.first) > 0 {
		n := copy(p, u.first)
		u.first = u.first[n:]
		return n, nil
	}
	return u.Conn.Read(p)
}

func (f *Front) secure(ctx context.Context, config *tls.Config) error {
	c := tls.Server(f.conn, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("%w: no TLS with the client", hotcell.ErrInvalid)
	}
	f.conn = c
	return nil
}

// startup reads one first message: no byte more, since TLS may follow.
func (f *Front) startup() (code uint32, rest []byte, err error) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(f.conn, head); err != nil {
		return 0, nil, errStartup
	}
	size := binary.BigEndian.Uint32(head)
	if size < 8 || size > maxStartup {
		return 0, nil, errStartup
	}
	rest = make([]byte, size-8)
	if _, err := io.ReadFull(f.conn, rest); err != nil {
		return 0, nil, errStartup
	}
	return binary.BigEndian.Uint32(head[4:]), rest, nil
}

// parameters reads names and values, each ended by NUL, and a NUL at the end.
func parameters(b []byte) (map[string]string, error) {
	out := map[string]string{}
	for {
		name, rest, found := bytes.Cut(b, []byte{0})
		if !found {
			return nil, errStartup
		}
		if len(name) == 0 {
			break
		}
		value, after, found := bytes.Cut(rest, []byte{0})
		if _, twice := out[string(name)]; !found || twice {
			return nil, errStartup
		}
		out[string(name)], b = string(value), after
	}
	if out["user"] == "" {
		return nil, errStartup
	}
	if out["database"] == "" {
		out["database"] = out["user"]
	}
	return out, nil
}

// Complete lets the client in, with what the database said of itself.
func (f *Front) Complete(status map[string]string, pid uint32, key []byte) error {
	messages := []pgproto3.BackendMessage{&pgproto3.AuthenticationOk{}}
	for name, value := range status {
		messages = append(messages, &pgproto3.ParameterStatus{Name: name, Value: value})
	}
	messages = append(messages, &pgproto3.BackendKeyData{ProcessID: pid, SecretKey: key}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
	return f.send(messages...)
}

// Fail tells the client why it does not get in; code is one of SQLSTATE's.
func (f *Front) Fail(code, message string) error {
	return f.send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: message})
}

func (f *Front) send(messages ...pgproto3.BackendMessage) error {
	var out []byte
	for _, m := range messages {
		var err error
		if out, err = m.Encode(out); err != nil {
			return fmt.Errorf("writing to a client of a database: %w", err)
		}
	}
	if _, err := f.conn.Write(out); err != nil {
		return fmt.Errorf("writing to a client of a database: %w", err)
	}
	return nil
}

// Conn is the client's connection, for what follows.
func (f *Front) Conn() net.Conn { return f.conn }

// receive reads the next message of a client that is not in yet: a password's.
func (f *Front) receive() ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(f.conn, head); err != nil {
		return nil, errStartup
	}
	size := binary.BigEndian.Uint32(head[1:])
	if head[0] != 'p' || size < 4 || size > maxStartup {
		return nil, errStartup
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(f.conn, body); err != nil {
		return nil, errStartup
	}
	return body, nil
}
