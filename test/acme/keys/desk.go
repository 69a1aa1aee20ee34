// Package keys has twins of key services: AWS KMS, Google Cloud KMS, Azure Key Vault and
// the transit engine of HashiCorp Vault and OpenBao, with the ways in to each.
//
// They speak the services' protocols as far as a server needs them, check what a
// service checks (signatures, tokens, associated data), and fail as services do when a
// test says so. They guard nothing: their keys live in memory. One way to use it:
//
//	twin := keys.NewAWS()
//	server := httptest.NewServer(twin)
//	twin.Fail(keys.Throttled)
package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Trouble is what a twin does instead of answering well.
type Trouble int

// What can be wrong.
const (
	Well      Trouble = iota
	Gone              // the connection ends without an answer
	CutOff            // the answer ends in its middle
	Late              // no answer before the asker gives up
	Throttled         // too many requests
	Broken            // a fault of the service's own
	Garbage           // an answer of another form
	Swapped           // the answer holds another plaintext than was wrapped
	Disabled          // the key is disabled
	Deleted           // the key is deleted, or about to be
	Denied            // a policy says no
	Expired           // the credentials are not good any more
	Elsewhere         // a redirect
)

// Desk is where a test tells a twin what to do, and asks what was asked of it.
type Desk struct {
	mu      sync.Mutex
	trouble Trouble
	times   int
	calls   map[string]int
}

// Fail has every request from now on meet a trouble; [Well] ends it.
func (d *Desk) Fail(t Trouble) { d.FailTimes(t, -1) }

// FailTimes has the next n requests meet a trouble.
func (d *Desk) FailTimes(t Trouble, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trouble, d.times = t, n
}

// Calls is how often an operation was asked for; of all with an empty name.
func (d *Desk) Calls(operation string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, count := range d.calls {
		if operation == "" || name == operation {
			n += count
		}
	}
	return n
}

// asked counts a call, and says what is wrong with it.
func (d *Desk) asked(operation string) Trouble {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calls == nil {
		d.calls = map[string]int{}
	}
	d.calls[operation]++
	if d.times == 0 {
		return Well
	}
	d.times = max(d.times-1, -1)
	return d.trouble
}

// fails does what is the same for all services, and says whether that was it.
func fails(w http.ResponseWriter, r *http.Request, t Trouble) bool {
	switch t {
	case Gone:
		hang(w)
	case CutOff:
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"Plaintext":"`))
		_ = http.NewResponseController(w).Flush()
		hang(w)
	case Late:
		_, _ = io.Copy(io.Discard, r.Body) // only then is the end of the connection seen
		<-r.Context().Done()
	case Garbage:
		_, _ = w.Write([]byte("<html>a page of somebody else</html>"))
	case Elsewhere:
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
	default:
		return false
	}
	return true
}

// hang ends a connection without a word.
func hang(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
	}
}

func answer(w http.ResponseWriter, status int, message any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(message)
}

// seal is a service's own cipher: associated data is bound.
type seal struct{ gcm cipher.AEAD }

func newSeal() seal {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return seal{}
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return seal{}
	}
	return seal{gcm}
}

func (s seal) close(plaintext, data []byte) []byte {
	nonce := make([]byte, s.gcm.NonceSize())
	_, _ = rand.Read(nonce)
	return s.gcm.Seal(nonce, nonce, plaintext, data)
}

func (s seal) open(sealed, data []byte) ([]byte, bool) {
	n := s.gcm.NonceSize()
	if len(sealed) < n {
		return nil, false
	}
	plain, err := s.gcm.Open(nil, sealed[:n], sealed[n:], data)
	return plain, err == nil
}

// swapped is another plaintext of the same length.
func swapped(b []byte) []byte {
	out := append([]byte(nil), b...)
	if len(out) > 0 {
		out[0] ^= 1
	}
	return out
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
