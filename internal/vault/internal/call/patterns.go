package call

import (
	"sync"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/courier"
	"hotcell/internal/vault/internal/door"
)

// maxPatterns is how many credentials' patterns are remembered.
const maxPatterns = 1024

// patterns remember what to take out of answers, by credential and version:
// fingerprints, and no values. Of many calls at once that need the same, one makes
// them.
type patterns struct {
	mu    sync.Mutex
	known map[version]func() (*guard.Patterns, error)
}

type version struct {
	credential hotcell.CredentialID
	version    int
}

// of are the patterns of a connection that is open: of all of its values, the
// refresh token too.
func (p *patterns) of(used *door.Used, auth hotcell.Auth) (*guard.Patterns, error) {
	key := version{used.Use.Credential, used.Use.Version}
	p.mu.Lock()
	if p.known == nil || len(p.known) >= maxPatterns {
		p.known = map[version]func() (*guard.Patterns, error){}
	}
	made, ok := p.known[key]
	if !ok {
		// Whoever puts it there calls it too, and so has the values until it is done.
		made = sync.OnceValues(func() (*guard.Patterns, error) {
			values := append(make([]sensitive.Bytes, 0, len(used.Fields)+1), keyOf(used))
			for _, f := range used.Fields {
				values = append(values, f.Value)
			}
			return courier.Patterns(guard.Label{ID: string(used.Use.Credential), Name: used.Use.Name}, auth, values...)
		})
		p.known[key] = made
	}
	p.mu.Unlock()
	out, err := made()
	if err != nil { // it is no answer to those who come later
		p.mu.Lock()
		delete(p.known, key)
		p.mu.Unlock()
	}
	return out, err
}
