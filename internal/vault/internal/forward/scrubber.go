package forward

import (
	"strconv"
	"sync"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/wire/inject"
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
func (s *scrubbers) of(uses []*door.Used) (*guard.Patterns, error) {
	key := versions(uses)
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

// versions names credentials and their versions.
func versions(uses []*door.Used) string {
	var text []byte
	for _, used := range uses {
		text = strconv.AppendInt(append(append(text, used.Use.Credential...), '@'), int64(used.Use.Version), 10)
		text = append(text, ' ')
	}
	return string(text)
}

// standIns remember what to look for in requests, by job and credentials: the
// fingerprints of what stands in for values there.
type standIns struct {
	mu    sync.Mutex
	known map[string]*guard.Patterns
}

func (s *standIns) of(job hotcell.JobID, m *mounting) *guard.Patterns {
	key := string(job) + " " + versions(m.uses)
	s.mu.Lock()
	found := s.known[key]
	s.mu.Unlock()
	if found != nil {
		return found
	}
	builder := guard.NewBuilder()
	for _, g := range m.guests {
		for _, pair := range g.pairs {
			_ = builder.Add(guard.Label{ID: g.name, Name: g.name}, pair.StandIn) // of what cannot be looked for, the plain form is
		}
	}
	found = builder.Build()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxScrubbers {
		s.known = map[string]*guard.Patterns{}
	}
	s.known[key] = found
	return found
}

func addSecrets(builder *guard.Builder, used *door.Used) error {
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
func secrets(used *door.Used, field []byte) [][]byte {
	if used.Use.HTTP != nil {
		return inject.Auth(used.Use.HTTP.Auth).Values(field)
	}
	return [][]byte{field}
}
