package api

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"

	"hotcell"
)

// remembered is an answer under an Idempotency-Key.
type remembered struct {
	Status int    `json:"status"`
	Type   string `json:"type"`
	ETag   string `json:"etag,omitempty"`
	Body   []byte `json:"body"`
}

// repeats are the keys whose first request is under way: a second one at the
// same time would do the work twice.
type repeats struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (r *repeats) begin(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys[key] {
		return false
	}
	if r.keys == nil {
		r.keys = map[string]bool{}
	}
	r.keys[key] = true
	return true
}

func (r *repeats) end(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.keys, key)
}

// repeat answers a POST with an Idempotency-Key that came before as it was
// answered then. The request is remembered by a keyed hash, never by its body.
func (s *service) repeat(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("Idempotency-Key")
		if r.Method != http.MethodPost || name == "" || r.URL.Path == "/v1/backups" || open(r) { // a stream, of which each is another
			next.ServeHTTP(w, r)
			return
		}
		if len(name) > 255 {
			writeProblem(w, r, hotcell.Invalid("/header/Idempotency-Key", "a key has at most 255 characters"))
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			writeProblem(w, r, newProblem(http.StatusRequestEntityTooLarge, "too_large", "Too large", "a request has at most 2 MiB"))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		key, request := s.repeatKey(r, name), s.hash(body)
		if !s.repeats.begin(key) {
			writeProblem(w, r, newProblem(http.StatusConflict, "conflict", "Conflict", "a request with this Idempotency-Key is under way: ask again when it is done"))
			return
		}
		defer s.repeats.end(key)
		stored, err := s.Idempotency.Recall(r.Context(), key, request)
		if err == nil {
			s.replay(w, key, stored)
			return
		}
		if errors.Is(err, hotcell.ErrConflict) {
			err = hotcell.Invalid("/header/Idempotency-Key", "this key was used for another request")
		}
		if !errors.Is(err, hotcell.ErrNotFound) {
			s.refuse(w, r, err)
			return
		}
		kept := &keeper{ResponseWriter: w}
		next.ServeHTTP(kept, r)
		if kept.code < 200 || kept.code >= 300 {
			return // what was refused may be tried again under the same key
		}
		answer, _ := json.Marshal(remembered{kept.code, w.Header().Get("Content-Type"), w.Header().Get("ETag"), kept.body.Bytes()})
		if _, err := s.Idempotency.Remember(context.WithoutCancel(r.Context()), key, request, s.sealAnswer(key, answer), s.Now()); err != nil {
			s.Log.Warn("an answer could not be remembered", "request", requestID(r.Context()), "error", err)
		}
	})
}

func (s *service) repeatKey(r *http.Request, name string) string {
	p := who(r.Context())
	whose := string(p.Member)
	if p.Token != nil {
		whose = string(p.Token.ID) // what its member was answered may be more than it may know
	}
	return whose + " " + r.URL.Path + " " + name
}

func (s *service) hash(body []byte) [32]byte {
	mac := hmac.New(sha256.New, s.RepeatKey)
	_, _ = mac.Write(body)
	return [32]byte(mac.Sum(nil))
}

// answers seals what is remembered: some answers tell once what nobody may read
// in the database, such as a link or a job's token.
func (s *service) answers() cipher.AEAD {
	mac := hmac.New(sha256.New, s.RepeatKey)
	_, _ = mac.Write([]byte("hotcell remembered answers v1"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err == nil {
		if sealer, err := cipher.NewGCMWithRandomNonce(block); err == nil {
			return sealer
		}
	}
	return nil // the key's length is right, so this is never reached
}

func (s *service) sealAnswer(key string, answer []byte) []byte {
	return s.answers().Seal(nil, nil, answer, []byte(key)) //nolint:gosec // the nonce is random, and in front of what is sealed
}

func (s *service) replay(w http.ResponseWriter, key string, stored []byte) {
	var answer remembered
	text, err := s.answers().Open(nil, nil, stored, []byte(key))
	if err != nil || json.Unmarshal(text, &answer) != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Idempotent-Replayed", "true")
	w.Header().Set("Content-Type", answer.Type)
	if answer.ETag != "" {
		w.Header().Set("ETag", answer.ETag)
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

// keeper keeps a copy of an answer.
type keeper struct {
	http.ResponseWriter
	code int
	body bytes.Buffer
}

func (k *keeper) WriteHeader(code int) {
	k.code = code
	k.ResponseWriter.WriteHeader(code)
}

func (k *keeper) Write(b []byte) (int, error) {
	if k.code == 0 {
		k.code = http.StatusOK
	}
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}
