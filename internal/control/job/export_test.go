package job

import "context"

// Pulse is one beat, which else comes every few seconds.
func (s *Service) Pulse(ctx context.Context) { s.pulse(ctx) }

// Followed is how many jobs somebody is waiting for.
func (s *Service) Followed() int {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	return len(s.feed.jobs)
}
