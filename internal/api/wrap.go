package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"hotcell"
)

// key is what this package keeps in a request's context. Callers elsewhere are
// explicit arguments; huma leaves no other way through.
type key int

const (
	keyRequest key = iota
	keyPrincipal
)

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(keyRequest).(string)
	return id
}

// who is the principal that identify found.
func who(ctx context.Context) hotcell.Principal {
	p, _ := ctx.Value(keyPrincipal).(hotcell.Principal)
	return p
}

// wrap gives each request an id, a line in the log and the headers of safety,
// and keeps a panic from ending more than its request.
func (s *service) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.Now()
		id := hotcell.NewID(hotcell.PrefixRequest)
		r = r.WithContext(context.WithValue(r.Context(), keyRequest, id))
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		seen := &status{ResponseWriter: w}
		defer func() {
			if recovered := recover(); recovered != nil {
				// What was thrown may hold anything: it is not printed.
				s.Log.Error("a request panicked", "request", id, "method", r.Method, "pattern", r.Pattern)
				if seen.code == 0 {
					writeProblem(w, r, errors.New("panic"))
				}
			}
			s.Log.Debug("request", "request", id, "method", r.Method, "pattern", r.Pattern, "status", seen.code, "took", s.Now().Sub(began))
		}()
		if reason := foreign(r); reason != "" {
			writeProblem(seen, r, newProblem(http.StatusForbidden, "foreign", "Denied", reason))
			return
		}
		next.ServeHTTP(seen, r)
	})
}

// foreign says why a request is not one that a person or program of this
// machine meant to send: a page of another site, or a name that was rebound.
func foreign(r *http.Request) string {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return "a page of another site may not ask this"
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "hotcell" || host == "localhost" || net.ParseIP(strings.Trim(host, "[]")).IsLoopback() {
		return ""
	}
	return "this server is asked for by its loopback address only"
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
	}
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets a stream be flushed.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// identify finds out who asks.
func (s *service) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.Principal(r)
		if err != nil {
			writeProblem(w, r, err)
			return
		}
		p.Request = requestID(r.Context())
		if r.ContentLength > maxBody && r.URL.Path != "/v1/files" {
			writeProblem(w, r, newProblem(http.StatusRequestEntityTooLarge, "too_large", "Too large", "a request has at most 2 MiB"))
			return
		}
		if r.URL.Path != "/v1/files" {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), keyPrincipal, p)))
	})
}

// remembered is an answer under an Idempotency-Key.
type remembered struct {
	Status int    `json:"status"`
	Type   string `json:"type"`
	ETag   string `json:"etag,omitempty"`
	Body   []byte `json:"body"`
}

// repeat answers a POST with an Idempotency-Key that came before as it was
// answered then. The request is remembered by a keyed hash, never by its body.
func (s *service) repeat(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("Idempotency-Key")
		if r.Method != http.MethodPost || name == "" {
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
		if stored, err := s.Idempotency.Recall(r.Context(), key, request); err == nil {
			replay(w, stored)
			return
		} else if !errors.Is(err, hotcell.ErrNotFound) {
			if errors.Is(err, hotcell.ErrConflict) {
				err = hotcell.Invalid("/header/Idempotency-Key", "this key was used for another request")
			}
			writeProblem(w, r, err)
			return
		}
		kept := &keeper{ResponseWriter: w}
		next.ServeHTTP(kept, r)
		if kept.code < 200 || kept.code >= 300 {
			return // what was refused may be tried again under the same key
		}
		answer, _ := json.Marshal(remembered{kept.code, w.Header().Get("Content-Type"), w.Header().Get("ETag"), kept.body.Bytes()})
		if _, err := s.Idempotency.Remember(context.WithoutCancel(r.Context()), key, request, answer, s.Now()); err != nil {
			s.Log.Warn("an answer could not be remembered", "error", err)
		}
	})
}

func (s *service) repeatKey(r *http.Request, name string) string {
	return string(who(r.Context()).Member) + " " + r.URL.Path + " " + name
}

func (s *service) hash(body []byte) [32]byte {
	mac := hmac.New(sha256.New, s.RepeatKey)
	_, _ = mac.Write(body)
	return [32]byte(mac.Sum(nil))
}

func replay(w http.ResponseWriter, stored []byte) {
	var answer remembered
	if json.Unmarshal(stored, &answer) != nil {
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
