package sqlite

import (
	"database/sql"
	"errors"
	"strings"

	"hotcell"
)

// chainOf is the id of a workspace's chain; 0, which no chain has, when it has none.
func (r *reader) chainOf(ws hotcell.WorkspaceID) (int64, error) {
	var id int64
	err := r.s.one([]any{&id}, "SELECT id FROM chains WHERE workspace = ?", string(ws))
	if errors.Is(err, hotcell.ErrNotFound) {
		return 0, nil
	}
	return id, err
}

// NewestVersion implements [hotcell.VaultReader].
func (r *reader) NewestVersion(ws hotcell.WorkspaceID, id hotcell.CredentialID) (int, error) {
	chain, err := r.chainOf(ws)
	if err != nil {
		return 0, err
	}
	var version int
	err = r.s.one([]any{&version}, "SELECT coalesce(max(version), 0) FROM versions WHERE chain = ? AND credential = ?",
		chain, string(id))
	return version, err
}

// Events implements [hotcell.VaultReader].
func (r *reader) Events(ws hotcell.WorkspaceID, f hotcell.EventFilter) ([]hotcell.Event, error) {
	chain, err := r.chainOf(ws)
	if err != nil || chain == 0 {
		return nil, err
	}
	query, args := eventQuery(chain, f)
	var out []hotcell.Event
	err = r.s.each(func(rows *sql.Rows) error {
		e := hotcell.Event{Workspace: ws}
		err := scanEvent(rows, &e)
		out = append(out, e)
		return err
	}, query, args...)
	return out, err
}

func scanEvent(rows *sql.Rows, e *hotcell.Event) error {
	var text sql.RawBytes
	if err := rows.Scan(&e.Sequence, &e.Kind, &e.Decision, &e.Member, &e.Job,
		&e.Assignment, &e.Credential, &e.Version, &e.Hash, &text); err != nil {
		return err
	}
	e.Sequence &= 1<<sequenceBits - 1
	var rest rest
	if err := decode(text, &rest); err != nil {
		return err
	}
	e.At, e.Reason, e.Via, e.Name = rest.At, rest.Reason, rest.Via, rest.Name
	e.Host, e.Request, e.Size, e.Duration = rest.Host, rest.Request, rest.Size, rest.Duration
	return nil
}

const eventColumns = "SELECT id, kind, decision, member, job, assignment, credential, version, hash, document FROM "

// throughMarks goes through the blocks that have what is looked for; the order
// of blocks and of events within them is the order of ids, so nothing is sorted.
const throughMarks = `marks CROSS JOIN events
	ON id BETWEEN block << 8 AND (block << 8) + 255
	WHERE chain = ? AND field = ? AND value = ? AND block BETWEEN ? AND ?`

// eventQuery puts a query together from fixed pieces.
func eventQuery(chain int64, f hotcell.EventFilter) (string, []any) {
	low, high := chain<<sequenceBits+1+max(f.After, 0), (chain+1)<<sequenceBits-1
	if f.Before > 0 {
		high = min(high, chain<<sequenceBits+f.Before-1)
	}
	order := " DESC"
	if f.Ascending {
		order = " ASC"
	}
	query, by := "events WHERE true", "id"+order
	var args []any
	if field, value := lead(f); field != 0 {
		query, by = throughMarks, "block"+order+", id"+order
		args = append(args, chain, field, value, low>>blockBits, high>>blockBits)
	}
	narrow := func(condition string, value string) {
		if value != "" {
			query, args = query+" AND "+condition, append(args, value)
		}
	}
	narrow("job = ?", string(f.Job))
	narrow("credential = ?", string(f.Credential))
	narrow("assignment = ?", string(f.Assignment))
	narrow("member = ?", string(f.Member))
	narrow("decision = ?", string(f.Decision))
	if strings.Contains(f.Kind, ".") {
		narrow("kind = ?", f.Kind)
	} else {
		narrow("substr(kind, 1, instr(kind || '.', '.') - 1) = ?", f.Kind)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = hotcell.DefaultPage
	}
	return eventColumns + query + " AND id BETWEEN ? AND ? ORDER BY " + by + " LIMIT ?", append(args, low, high, limit)
}

// lead chooses the narrowest thing that is looked for.
func lead(f hotcell.EventFilter) (field int, value string) {
	switch {
	case f.Job != "":
		return fieldJob, string(f.Job)
	case f.Credential != "":
		return fieldCredential, string(f.Credential)
	case f.Assignment != "":
		return fieldAssignment, string(f.Assignment)
	case f.Decision == hotcell.Refused:
		return fieldRefused, string(f.Decision)
	case f.Kind != "":
		return fieldNoun, noun(f.Kind)
	case f.Member != "":
		return fieldMember, string(f.Member)
	}
	return 0, ""
}
