package forward

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/live"
	"hotcell/internal/wire/pgwire"
	"hotcell/internal/wire/relay"
	"hotcell/internal/wire/standin"
)

// Connect makes a connection to a PostgreSQL database with the password that
// the job has a stand-in of, and hands it over once the database has let it in.
// It serves [vaultrpc.Connect].
func (s *Service) Connect(w http.ResponseWriter, r *http.Request) {
	job := hotcell.JobID(r.Header.Get(vaultrpc.HeaderJob))
	var open vaultrpc.DatabaseOpening
	if err := json.Unmarshal([]byte(r.Header.Get(vaultrpc.HeaderOpening)), &open); err != nil {
		s.fault(w, hotcell.Invalid("/opening", "this is not understood"))
		return
	}
	over, ok := s.underway(w, r, job)
	if !ok {
		return
	}
	defer over()
	ctx, leave := s.live.Enter(context.WithoutCancel(r.Context()), job)
	defer leave()
	defer s.Tidy.Used()
	used, err := s.Vault.Use(ctx, job, hotcell.AttachmentID(r.Header.Get(vaultrpc.HeaderUse)), door.Target{Host: open.Host, Port: open.Port})
	if err != nil {
		s.fault(w, err)
		return
	}
	began := s.Now()
	back, standIn, err := s.database(ctx, job, used, open)
	used.Clear()
	if err != nil {
		s.Vault.Done(used, "not connected", 0, s.Now().Sub(began).Milliseconds())
		s.fault(w, err)
		return
	}
	defer func() { _ = back.Conn().Close() }()
	opened, err := json.Marshal(vaultrpc.DatabaseOpened{Status: back.Status, PID: back.PID, Key: back.Key, StandIn: standIn})
	if err != nil {
		s.fault(w, err)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: hotcell-database\r\n%s: %s\r\n\r\n", vaultrpc.HeaderOpened, opened); err != nil {
		return
	}
	defer live.Bind(ctx, conn, back.Conn())()
	sent, received, _ := pgwire.Relay(relay.Rest(conn, buffered.Reader), back.Conn())
	s.Vault.Done(used, "", sent+received, s.Now().Sub(began).Milliseconds())
}

// database connects and authenticates. It returns the stand-in that the client
// has to show as well.
func (s *Service) database(ctx context.Context, job hotcell.JobID, used *door.Used, open vaultrpc.DatabaseOpening) (*pgwire.Back, string, error) {
	for _, f := range used.Fields {
		account, err := s.account(job, used, f, open)
		if err != nil {
			return nil, "", err
		}
		if account == nil {
			continue
		}
		defer account.password.Clear()
		if account.user != "" && account.user != open.User {
			return nil, "", fmt.Errorf("%w: the connection is for another user than the credential", hotcell.ErrDenied)
		}
		back, err := pgwire.Connect(ctx, pgwire.Config{
			Dial: s.Dialer.Dial, Host: open.Host, Port: open.Port, User: open.User, Password: account.password, Database: open.Database,
			Parameters: open.Parameters, RootCAs: s.Roots, Trust: s.trust(open.Host, open.Port),
		})
		return back, account.standIn, err
	}
	return nil, "", fmt.Errorf("%w: %s holds no connection URL of %s, and no password", hotcell.ErrDenied, used.Use.Name, open.Host)
}

// trust is the operator's word on a database. What a URL says of TLS is not one: who
// writes the URL is whom the password belongs to, and not who vouches for the host.
func (s *Service) trust(host string, port int) pgwire.Trust {
	if s.Databases == nil {
		return pgwire.Trust{}
	}
	return s.Databases(host, port)
}

// account is what a field says of an account at a database.
type account struct {
	user, standIn string
	password      sensitive.Bytes
}

// account reads a connection URL of the database that is asked for, or a
// password by its variable's name; nil where the field is neither.
func (s *Service) account(job hotcell.JobID, used *door.Used, f door.Field, open vaultrpc.DatabaseOpening) (out *account, err error) {
	err = f.Value.Use(func(value []byte) error {
		standIn, _, err := standin.Make(s.Vault.Seed(job, used.Use, f.Name), value)
		if err != nil {
			return nil //nolint:nilerr // a field that has no stand-in is no password
		}
		if a := ofURL(value, open); a != nil {
			b := ofURL(standIn, open)
			if b == nil {
				return fmt.Errorf("%w: the stand-in of %s is no connection URL", hotcell.ErrTampered, f.Name)
			}
			_ = b.password.Use(func(p []byte) error { a.standIn = string(p); return nil })
			out = a
			return nil
		}
		if strings.Contains(strings.ToUpper(f.Name), "PASSW") {
			out = &account{standIn: string(standIn), password: sensitive.New(append([]byte(nil), value...))}
		}
		return nil
	})
	return out, err
}

// ofURL reads postgres://user:password@host:port/database; nil where
// it is none, or of another host.
func ofURL(text []byte, open vaultrpc.DatabaseOpening) *account {
	u, ok := standin.ParseURL(text)
	if !ok {
		return nil
	}
	// SQLAlchemy names a driver as well: postgresql+asyncpg.
	scheme, _, _ := strings.Cut(strings.ToLower(u.Scheme), "+")
	if scheme != "postgres" && scheme != "postgresql" || !u.Names(open.Host, open.Port, 5432, site.Host) {
		sensitive.Wipe(u.Password)
		return nil
	}
	return &account{user: u.User, password: sensitive.New(u.Password)}
}
