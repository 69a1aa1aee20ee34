package identity

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// Issued are all tokens that were ever given out, and the secrets of the clients: what
// must be found nowhere.
func (s *Server) Issued() []string {
	s.mu.Lock()
	out := slices.Clone(s.issued)
	s.mu.Unlock()
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for c := range maps.Values(s.store.clients) {
		if c.secret != "" {
			out = append(out, c.secret)
		}
	}
	return out
}

// token answers as the endpoint of tokens does, and keeps what it gave out.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	kept := &keeper{ResponseWriter: w}
	s.provider.ServeHTTP(kept, r)
	var out struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}
	if json.Unmarshal(kept.body.Bytes(), &out) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, token := range []string{out.Access, out.Refresh, out.ID} {
		if token != "" && !slices.Contains(s.issued, token) {
			s.issued = append(s.issued, token)
		}
	}
}

// keeper keeps what is written.
type keeper struct {
	http.ResponseWriter
	body bytes.Buffer
}

// Write implements [io.Writer].
func (k *keeper) Write(b []byte) (int, error) {
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}
