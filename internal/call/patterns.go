package call

import (
	"sync"

	"hotcell"
	"hotcell/internal/courier"
	"hotcell/internal/guard"
	"hotcell/internal/sensitive"
	"hotcell/internal/vault"
)

// maxPatterns is how many credentials' patterns are remembered.
const maxPatterns = 1024

// patterns remember what to take out of answers, by credential and version:
// fingerprints, and no values.
type patterns struct {
	mu    sync.Mutex
	known map[version]*guard.Patterns
}

type version struct {
	credential hotcell.CredentialID
	version    int
}

// of are the patterns of a connection that is open: of all of its values, the
// refresh token too.
func (p *patterns) of(used *vault.Used, auth hotcell.Auth) (*guard.Patterns, error) {
	key := version{used.Use.Credential, used.Use.Version}
	p.mu.Lock()
	found := p.known[key]
	p.mu.Unlock()
	if found != nil {
		return found, nil
	}
	values := append(make([]sensitive.Bytes, 0, len(used.Fields)+1), keyOf(used))
	for _, f := range used.Fields {
		values = append(values, f.Value)
	}
	found, err := courier.Patterns(guard.Label{ID: string(used.Use.Credential), Name: used.Use.Name}, auth, values...)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxPatterns {
		p.known = map[version]*guard.Patterns{}
	}
	p.known[key] = found
	return found, nil
}
