package forward

import (
	"strconv"
	"sync"

	"hotcell/internal/guard"
	"hotcell/internal/inject"
	"hotcell/internal/vault"
)

// maxScrubbers is how many credentials' patterns are remembered.
const maxScrubbers = 1024

// scrubbers remember what to look for in answers, by credential and version:
// fingerprints, and no values.
type scrubbers struct {
	mu    sync.Mutex
	known map[string]*guard.Patterns
}

// of are the patterns of credentials that are open.
func (s *scrubbers) of(uses []*vault.Used) (*guard.Patterns, error) {
	var text []byte
	for _, used := range uses {
		text = strconv.AppendInt(append(append(text, used.Use.Credential...), '@'), int64(used.Use.Version), 10)
		text = append(text, ' ')
	}
	key := string(text)
	s.mu.Lock()
	found := s.known[key]
	s.mu.Unlock()
	if found != nil {
		return found, nil
	}
	builder := guard.NewBuilder().WithParts()
	for _, used := range uses {
		if err := addSecrets(builder, used); err != nil {
			return nil, err
		}
	}
	found = builder.Build()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxScrubbers {
		s.known = map[string]*guard.Patterns{}
	}
	s.known[key] = found
	return found, nil
}

func addSecrets(builder *guard.Builder, used *vault.Used) error {
	label := guard.Label{ID: string(used.Use.Credential), Name: used.Use.Name}
	for _, f := range used.Fields {
		err := f.Value.Use(func(b []byte) error {
			for _, value := range secrets(used, b) {
				_ = builder.Add(label, value) // of one that cannot be guarded, people were told
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// secrets are the values to look for within one field.
func secrets(used *vault.Used, field []byte) [][]byte {
	if used.Use.HTTP != nil {
		return inject.Auth(used.Use.HTTP.Auth).Values(field)
	}
	return [][]byte{field}
}
