package forward

import (
	"sync"

	"hotcell"
	"hotcell/internal/guard"
	"hotcell/internal/inject"
	"hotcell/internal/vault"
)

// maxScrubbers is how many credentials' patterns are remembered.
const maxScrubbers = 1024

// scrubbers remember what to look for in answers, by credential: fingerprints,
// and no values.
type scrubbers struct {
	mu    sync.Mutex
	known map[version]*guard.Patterns
}

type version struct {
	credential hotcell.CredentialID
	version    int
}

// of are the patterns of a credential that is open.
func (s *scrubbers) of(used *vault.Used) (*guard.Patterns, error) {
	key := version{used.Use.Credential, used.Use.Version}
	s.mu.Lock()
	found := s.known[key]
	s.mu.Unlock()
	if found != nil {
		return found, nil
	}
	builder := guard.NewBuilder()
	label := guard.Label{ID: string(used.Use.Credential), Name: used.Use.Name}
	for _, f := range used.Fields {
		err := f.Value.Use(func(b []byte) error {
			for _, value := range secrets(used, b) {
				_ = builder.Add(label, value) // of one that cannot be guarded, people were told
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	found = builder.Build()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxScrubbers {
		s.known = map[version]*guard.Patterns{}
	}
	s.known[key] = found
	return found, nil
}

// secrets are the values to look for within one field.
func secrets(used *vault.Used, field []byte) [][]byte {
	if used.Use.HTTP != nil {
		return inject.Auth(used.Use.HTTP.Auth).Values(field)
	}
	return [][]byte{field}
}
