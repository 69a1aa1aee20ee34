package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hotcell"
)

// pool is a set of connections and the statements prepared on them.
type pool struct {
	db         *sql.DB
	mu         sync.RWMutex
	statements map[string]*sql.Stmt
}

// learn prepares what sessions had to prepare for themselves, so that the next
// one finds it. It waits for a connection: call it with none in hand. There are
// only as many statements as the package has texts: none is built from what
// somebody sent.
func (p *pool) learn(queries []string) {
	for _, query := range queries {
		made, err := p.db.Prepare(query)
		if err != nil {
			return // it did work; the next session prepares it again
		}
		p.mu.Lock()
		if old := p.statements[query]; old != nil {
			_ = made.Close()
		} else {
			p.statements[query] = made
		}
		p.mu.Unlock()
	}
}

func (p *pool) close() error {
	for _, s := range p.statements {
		_ = s.Close() // the database's own Close tells what matters
	}
	return p.db.Close()
}

// session is one transaction. Once the storage has failed in it, it answers
// everything with that failure: SQLite may have ended the transaction by
// itself, and a statement after that would stand alone.
type session struct {
	pool   *pool
	tx     *sql.Tx
	failed error
	// wanted are the statements that the pool does not know yet.
	wanted []string
}

func (s *session) exec(query string, args ...any) (int64, error) {
	if s.failed != nil {
		return 0, s.failed
	}
	st, err := s.prepared(query)
	if err != nil {
		return 0, err
	}
	result, err := st.Exec(args...)
	if err != nil {
		return 0, s.judge(err)
	}
	return result.RowsAffected()
}

// prepared is the statement within the transaction. One that is new is prepared
// on the transaction's own connection: there may be no other.
func (s *session) prepared(query string) (*sql.Stmt, error) {
	s.pool.mu.RLock()
	found := s.pool.statements[query]
	s.pool.mu.RUnlock()
	if found != nil {
		return s.tx.Stmt(found), nil
	}
	st, err := s.tx.Prepare(query)
	if err != nil {
		return nil, s.judge(err)
	}
	s.wanted = append(s.wanted, query)
	return st, nil
}

// one scans a query's only row; no row is [hotcell.ErrNotFound].
func (s *session) one(dest []any, query string, args ...any) error {
	if s.failed != nil {
		return s.failed
	}
	st, err := s.prepared(query)
	if err != nil {
		return err
	}
	err = st.QueryRow(args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return hotcell.ErrNotFound
	}
	return s.judge(err)
}

// each calls scan for every row.
func (s *session) each(scan func(*sql.Rows) error, query string, args ...any) error {
	if s.failed != nil {
		return s.failed
	}
	st, err := s.prepared(query)
	if err != nil {
		return err
	}
	rows, err := st.Query(args...)
	if err != nil {
		return s.judge(err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return s.judge(rows.Err())
}

// judge tells a broken rule, which is the caller's matter, from a storage that
// fails, which ends the session.
func (s *session) judge(err error) error {
	if err == nil {
		return nil
	}
	var broken *sqlite.Error
	if errors.As(err, &broken) && broken.Code()&0xff == sqlite3.SQLITE_CONSTRAINT {
		if broken.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY {
			return fmt.Errorf("%w: what it belongs to is not there", hotcell.ErrNotFound)
		}
		return hotcell.ErrConflict
	}
	s.failed = unavailable("using the database", err)
	return s.failed
}

func unavailable(doing string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, hotcell.ErrUnavailable, err)
}

// document decodes one row's document into a T.
func document[T any](s *session, query string, args ...any) (T, error) {
	var out T
	var text []byte
	if err := s.one([]any{&text}, query, args...); err != nil {
		return out, err
	}
	return out, decode(text, &out)
}

// documents decodes every row's document.
func documents[T any](s *session, query string, args ...any) ([]T, error) {
	var out []T
	err := s.each(func(rows *sql.Rows) error {
		var text sql.RawBytes
		if err := rows.Scan(&text); err != nil {
			return err
		}
		out = append(out, *new(T))
		return decode(text, &out[len(out)-1])
	}, query, args...)
	return out, err
}

func decode(text []byte, to any) error {
	if json.Unmarshal(text, to) != nil { // its error may quote the text
		return fmt.Errorf("decoding a row: %w", hotcell.ErrTampered)
	}
	return nil
}

func encode(from any) (string, error) {
	text, err := json.Marshal(from)
	if err != nil {
		return "", fmt.Errorf("encoding a row: %w", err)
	}
	return string(text), nil
}

// changed turns "no row was hit" into [hotcell.ErrNotFound].
func changed(n int64, err error) error {
	if err == nil && n == 0 {
		return hotcell.ErrNotFound
	}
	return err
}
