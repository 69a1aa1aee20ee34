// Package twin is what the twins of services have in common: JSON in and out,
// limits that a test sets, and pages that are shorter than what was asked for.
//
// It guards nothing. One way to use it:
//
//	type Twin struct{ twin.Desk }
//	if t.Over() { twin.JSON(w, http.StatusTooManyRequests, …) }
package twin

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync"
)

// Desk is where a twin serves: what tests tell it to do is told here.
type Desk struct {
	mu    sync.Mutex
	over  int
	short int
}

// Limit has the next n requests be too many.
func (d *Desk) Limit(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = n
}

// Over counts one request, and says whether it is one too many.
func (d *Desk) Over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over == 0 {
		return false
	}
	d.over--
	return true
}

// Short has pages have n items at the most, whatever is asked for: services may
// give less than that. 0 ends it.
func (d *Desk) Short(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.short = n
}

// Page is the window of a list of size items that begins at from: how far it
// goes, and whether there is more.
func (d *Desk) Page(size, from, limit int) (end int, more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.short > 0 {
		limit = min(limit, d.short)
	}
	end = min(from+limit, size)
	return end, end < size
}

// JSON answers with a value.
func JSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}

// ErrBody is a body that is no JSON object, or of another content type.
var ErrBody = errors.New("the body is no JSON object")

// maxBody bounds what is read of a body, in bytes.
const maxBody = 16 << 20

// Object reads a body that is one JSON object and says so.
func Object(r *http.Request) (map[string]any, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, ErrBody
	}
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	var out map[string]any
	if d.Decode(&out) != nil || out == nil || d.More() {
		return nil, ErrBody
	}
	return out, nil
}

// Known says whether an object has no other keys than these.
func Known(m map[string]any, keys ...string) (unknown string, ok bool) {
	for key := range m {
		found := false
		for _, one := range keys {
			found = found || one == key
		}
		if !found {
			return key, false
		}
	}
	return "", true
}
