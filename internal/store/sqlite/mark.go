package sqlite

import (
	"strings"

	"hotcell"
)

// The fields that the log can be looked up by. The numbers are stored.
const (
	fieldNoun = iota + 1
	fieldRefused
	fieldMember
	fieldJob
	fieldAssignment
	fieldCredential
	fieldVersion // in memory only: versions have a table of their own
)

// blockBits says how many events a block has: fewer make a look-up quicker and
// an append dearer.
const blockBits = 8

type mark struct {
	chain   int64
	field   int
	value   string
	block   int64
	version int
}

// marked remembers which marks are stored, so that they are not stored for
// every event. Forgetting costs time only: a mark can be stored twice.
type marked map[mark]bool

const maxMarked = 1 << 14

// noun is what a kind tells of: "secret" of "secret.create".
func noun(kind string) string {
	found, _, _ := strings.Cut(kind, ".")
	return found
}

// mark stores what the event can be found by.
func (m marked) mark(s *session, chain, id int64, e *hotcell.Event) error {
	if len(m) > maxMarked {
		clear(m)
	}
	at := mark{chain: chain, block: id >> blockBits}
	refused := ""
	if e.Decision == hotcell.Refused {
		refused = string(e.Decision)
	}
	for field, value := range [...]string{
		fieldNoun: noun(e.Kind), fieldRefused: refused, fieldMember: string(e.Member), fieldJob: string(e.Job),
		fieldAssignment: string(e.Assignment), fieldCredential: string(e.Credential),
	} {
		at.field, at.value = field, value
		if err := m.store(s, at, "INSERT OR IGNORE INTO marks (chain, field, value, block) VALUES (?, ?, ?, ?)",
			chain, field, value, at.block); err != nil {
			return err
		}
	}
	if e.Version <= 0 {
		return nil
	}
	return m.store(s, mark{chain: chain, field: fieldVersion, value: string(e.Credential), version: e.Version},
		"INSERT OR IGNORE INTO versions (chain, credential, version) VALUES (?, ?, ?)",
		chain, string(e.Credential), e.Version)
}

func (m marked) store(s *session, at mark, query string, args ...any) error {
	if at.value == "" || m[at] {
		return nil
	}
	if _, err := s.exec(query, args...); err != nil {
		return err
	}
	m[at] = true
	return nil
}
