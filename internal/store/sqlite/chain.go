package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
)

// rest is what of an event is looked up by nothing; the columns hold the other
// half. What is added to an event belongs in one of the two.
type rest struct {
	At       time.Time `json:"at"`
	Reason   string    `json:"reason,omitempty"`
	Via      string    `json:"via,omitempty"`
	Name     string    `json:"name,omitempty"`
	Host     string    `json:"host,omitempty"`
	Request  string    `json:"request,omitempty"`
	Size     int64     `json:"size,omitempty"`
	Duration int64     `json:"duration_ms,omitempty"`
}

// row is an event that is ready to be stored, but for its place in the chain.
type row struct {
	event    hotcell.Event
	document string
}

func newRow(e hotcell.Event) (row, error) {
	if err := audit.Check(e); err != nil {
		return row{}, fmt.Errorf("recording event: %w", err)
	}
	e.At = e.At.Round(0).UTC()
	text, err := json.Marshal(rest{
		At: e.At, Reason: e.Reason, Via: e.Via, Name: e.Name, Host: e.Host,
		Request: e.Request, Size: e.Size, Duration: e.Duration,
	})
	if err != nil {
		return row{}, fmt.Errorf("encoding event: %w", err)
	}
	return row{event: e, document: string(text)}, nil
}

// sequenceBits is how much of an event's id its sequence takes; the chain's id
// has the rest.
const sequenceBits = 40

// end is where a workspace's log ends.
type end struct {
	audit.Head
	chain int64
}

type ends map[hotcell.WorkspaceID]end

// chain knows where each workspace's log ends: on the disk, and in the
// transaction that is under way. The writer alone uses it.
type chain struct {
	kept    ends
	pending ends
	marked  marked
}

func newChain() *chain { return &chain{kept: ends{}, pending: ends{}, marked: marked{}} }

// settle makes what is pending the truth, or forgets all it knows: after a
// transaction that failed the disk is asked anew.
func (c *chain) settle(kept bool) {
	if kept {
		maps.Copy(c.kept, c.pending)
	} else {
		clear(c.kept)
		clear(c.marked)
	}
	clear(c.pending)
}

// end is where a workspace's log ends, seen from within an update whose own
// events are in own. The first event of a workspace begins its chain.
func (c *chain) end(s *session, own ends, ws hotcell.WorkspaceID) (end, error) {
	for _, known := range []ends{own, c.pending, c.kept} {
		if found, ok := known[ws]; ok {
			return found, nil
		}
	}
	found, err := readEnd(s, ws)
	if !errors.Is(err, hotcell.ErrNotFound) {
		return found, err
	}
	if _, err := s.exec("INSERT INTO chains (workspace) VALUES (?)", string(ws)); err != nil {
		return end{}, err
	}
	return readEnd(s, ws)
}

func readEnd(s *session, ws hotcell.WorkspaceID) (end, error) {
	found := end{Head: audit.Start(ws)}
	if err := s.one([]any{&found.chain}, "SELECT id FROM chains WHERE workspace = ?", string(ws)); err != nil {
		return found, err
	}
	first := found.chain << sequenceBits
	var id int64
	var hash []byte
	err := s.one([]any{&id, &hash}, "SELECT id, hash FROM events WHERE id > ? AND id < ? ORDER BY id DESC LIMIT 1",
		first, first+1<<sequenceBits)
	if errors.Is(err, hotcell.ErrNotFound) {
		return found, nil
	}
	found.Sequence = id - first
	if err == nil && copy(found.Hash[:], hash) != len(found.Hash) {
		err = fmt.Errorf("reading the end of the audit log: %w", hotcell.ErrTampered)
	}
	return found, err
}

const insertEvent = `INSERT INTO events (id, kind, decision, member, job, assignment, credential, version,
	document, hash) VALUES `

const eventRow = "(?,?,?,?,?,?,?,?,?,?)"

// bulk is how many events go into one statement where there are as many.
const bulk = 32

var insertOne, insertBulk = insertEvent + eventRow, insertEvent + strings.Repeat(eventRow+",", bulk-1) + eventRow

// appendAll stores the rows of all appends of a transaction.
func (c *chain) appendAll(s *session, writes []*write) error {
	var rows []*row
	for _, w := range writes {
		for i := range w.rows {
			rows = append(rows, &w.rows[i])
		}
	}
	for len(rows) > 0 {
		query, n := insertOne, 1
		if len(rows) >= bulk {
			query, n = insertBulk, bulk
		}
		if err := c.insert(s, c.pending, c.marked, query, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// insert stores rows as the next of their chains. An event that was given its
// place and could not be stored ends the session: there would be a gap.
func (c *chain) insert(s *session, own ends, seen marked, query string, rows []*row) error {
	args := make([]any, 0, 10*len(rows))
	for _, r := range rows {
		at, err := c.end(s, own, r.event.Workspace)
		if err != nil {
			return s.fail(err)
		}
		e, next, err := at.Add(r.event)
		if err != nil {
			return err
		}
		at.Head = next
		own[e.Workspace] = at
		id := at.chain<<sequenceBits + e.Sequence
		args = append(args, id, e.Kind, string(e.Decision), string(e.Member), string(e.Job),
			string(e.Assignment), string(e.Credential), int64(e.Version), r.document, e.Hash)
		if err := seen.mark(s, at.chain, id, &e); err != nil {
			return s.fail(err)
		}
	}
	if _, err := s.exec(query, args...); err != nil {
		return s.fail(err)
	}
	return nil
}

// DropEvents implements [hotcell.VaultWriter]. With the last of them goes what the
// log was looked up by.
func (u *updater) DropEvents(ws hotcell.WorkspaceID, through int64, limit int) (int, error) {
	chain, err := u.chainOf(ws)
	if err != nil || chain == 0 || through < 1 {
		return 0, err
	}
	first := chain << sequenceBits
	n, err := u.s.exec("DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)", first, first+through, limit)
	if err != nil || int(n) == limit {
		return int(n), err
	}
	_, err = u.s.exec("DELETE FROM marks WHERE chain = ? AND block < ?", chain, (first+through+1)>>blockBits)
	return int(n), err
}
