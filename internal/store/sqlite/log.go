package sqlite

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"fmt"
	"time"

	"hotcell"
)

// AppendLog implements [hotcell.ControlStore].
func (c *Control) AppendLog(ctx context.Context, id hotcell.JobID, chunks ...hotcell.LogChunk) error {
	if len(chunks) == 0 {
		return nil
	}
	err := c.writer.update(ctx, func(s *session) error {
		var last int64
		if err := s.one([]any{&last}, "SELECT coalesce(max(sequence), 0) FROM logs WHERE job = ?", string(id)); err != nil {
			return err
		}
		for i, chunk := range chunks {
			if _, err := s.exec("INSERT INTO logs (job, sequence, at, stream, data) VALUES (?, ?, ?, ?, ?)",
				string(id), last+1+int64(i), chunk.At.UnixNano(), chunk.Stream, whole(chunk.Data)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("appending log: %w", err)
	}
	return nil
}

// Log implements [hotcell.ControlStore]. A limit of 0 means [hotcell.DefaultPage].
func (c *Control) Log(ctx context.Context, id hotcell.JobID, after int64, limit int) ([]hotcell.LogChunk, error) {
	if limit <= 0 {
		limit = hotcell.DefaultPage
	}
	var out []hotcell.LogChunk
	err := c.file.view(ctx, func(s *session) error {
		return s.each(func(rows *sql.Rows) error {
			var chunk hotcell.LogChunk
			var at int64
			if err := rows.Scan(&chunk.Sequence, &at, &chunk.Stream, &chunk.Data); err != nil {
				return err
			}
			chunk.At = time.Unix(0, at).UTC()
			out = append(out, chunk)
			return nil
		}, "SELECT sequence, at, stream, data FROM logs WHERE job = ? AND sequence > ? ORDER BY sequence LIMIT ?",
			string(id), after, limit)
	})
	return out, err
}

// DropLog implements [hotcell.ControlStore].
func (c *Control) DropLog(ctx context.Context, id hotcell.JobID, limit int) (removed int, err error) {
	err = c.writer.update(ctx, func(s *session) error {
		n, err := s.exec("DELETE FROM logs WHERE job = ? AND sequence IN (SELECT sequence FROM logs WHERE job = ? ORDER BY sequence LIMIT ?)", string(id), string(id), limit)
		removed = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("removing log: %w", err)
	}
	return removed, nil
}

// Probe implements [hotcell.ControlStore]. Its row is among the answers, under a
// key that no hash is like.
func (c *Control) Probe(ctx context.Context, at time.Time) error {
	err := c.writer.update(ctx, func(s *session) error {
		_, err := s.exec(`INSERT INTO answers (key, request, answer, at) VALUES ('probe', zeroblob(1), x'00', ?)
			ON CONFLICT (key) DO UPDATE SET at = excluded.at`, at.UnixNano())
		return err
	})
	if err != nil {
		return fmt.Errorf("writing a probe: %w", err)
	}
	return nil
}

// Remember implements [hotcell.ControlStore].
func (c *Control) Remember(ctx context.Context, key string, request [32]byte, answer []byte, at time.Time) ([]byte, error) {
	stored := append([]byte{}, answer...)
	err := c.writer.update(ctx, func(s *session) error {
		n, err := s.exec(`INSERT INTO answers (key, request, answer, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (key) DO NOTHING`, key, request[:], stored, at.UnixNano())
		if err != nil || n == 1 {
			return err
		}
		stored, err = recall(s, key, request)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("remembering answer: %w", err)
	}
	return stored, nil
}

// Recall implements [hotcell.ControlStore].
func (c *Control) Recall(ctx context.Context, key string, request [32]byte) ([]byte, error) {
	var stored []byte
	err := c.file.view(ctx, func(s *session) (err error) {
		stored, err = recall(s, key, request)
		return err
	})
	return stored, err
}

func recall(s *session, key string, request [32]byte) ([]byte, error) {
	var of, answer []byte
	if err := s.one([]any{&of, &answer}, "SELECT request, answer FROM answers WHERE key = ?", key); err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(of, request[:]) != 1 {
		return nil, fmt.Errorf("%w: this key was used for another request", hotcell.ErrConflict)
	}
	return answer, nil
}
