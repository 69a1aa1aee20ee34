package inject

import (
	"net/http"
	"time"
)

type Auth struct {
	Kind, Name, Prefix, User, AccessKeyID, Region, Service string
}

func (a Auth) Apply(r *http.Request, key []byte, now time.Time) error {
	r.Header.Set("Authorization", "Bearer "+string(key))
	return nil
}
func (a Auth) Values(key []byte) [][]byte { return [][]byte{key} }
