package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/line/border"
)

// key is what this package keeps in a request's context. Callers elsewhere are
// explicit arguments; huma leaves no other way through.
type key int

const (
	keyRequest key = iota
	keyPrincipal
)

// request is what the log says of a request: the pattern that it matched, and
// not its path, which may hold anything.
// Address is where its connection came from, "" at the socket: for people to read.
type request struct{ id, pattern, address string }

func requestID(ctx context.Context) string {
	if r, ok := ctx.Value(keyRequest).(*request); ok {
		return r.id
	}
	return ""
}

func address(ctx context.Context) string {
	if r, ok := ctx.Value(keyRequest).(*request); ok {
		return r.address
	}
	return ""
}

// named notes which pattern a request matched.
func named(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if about, ok := r.Context().Value(keyRequest).(*request); ok {
				about.pattern = r.Pattern
			}
		}()
		mux.ServeHTTP(w, r)
	})
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
		about := &request{id: hotcell.NewID(hotcell.PrefixRequest)}
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			about.address = host
		}
		r = r.WithContext(context.WithValue(r.Context(), keyRequest, about))
		h := w.Header()
		h.Set("X-Request-Id", about.id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000") // RFC 6797
		}
		seen := &status{ResponseWriter: w}
		defer func() {
			recovered := recover()
			if recovered != nil {
				// What was thrown may hold anything: it is not printed.
				s.Log.Error("a request panicked", "request", about.id, "method", method(r), "pattern", about.pattern)
				border.Tell(s.Log, border.Of("a request to the API", recovered))
			}
			broken := recovered != nil && seen.code != 0
			if recovered != nil && !broken {
				writeProblem(seen, r, errors.New("panic"))
			}
			s.Log.Debug("request", "request", about.id, "method", method(r), "pattern", about.pattern, "status", seen.code, "took", s.Now().Sub(began))
			if broken {
				panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to cut off an answer that is not whole
			}
		}()
		if reason := s.foreign(r); reason != "" {
			writeProblem(seen, r, newProblem(http.StatusForbidden, "foreign", "Denied", reason))
			return
		}
		next.ServeHTTP(seen, r)
	})
}

// method is the request's, where it is one of HTTP's own (RFC 9110, RFC 5789).
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "another"
}

// foreign says why a request is not one that a person or program of this
// machine meant to send: a page of another site, or a name that was rebound.
func (s *service) foreign(r *http.Request) string {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" && !arrives(r) {
		return "a page of another site may not ask this"
	}
	if r.TLS != nil {
		return "" // the name is one that its certificate vouches for: none was rebound
	}
	if base, err := url.Parse(s.base()); err == nil && base.Host != "" && r.Host == base.Host {
		return ""
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

// arrivals begin the pages that are reached by links in mails and messages, and to
// which services lead back. To see one does nothing.
var arrivals = []string{connectPath, answerPath}

// arrives says whether a person's browser comes here from another site to see one of
// those pages.
func arrives(r *http.Request) bool {
	to := slices.ContainsFunc(arrivals, func(begins string) bool { return strings.HasPrefix(r.URL.Path, begins) })
	return to && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// base is the address of the public listener, "" where there is none.
func (s *service) base() string {
	if s.Base == nil {
		return ""
	}
	return s.Base()
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

// mostOf is how large a request may be, in bytes; 0 where what reads it bounds it.
func mostOf(method, path string) int64 {
	switch {
	case path == "/v1/files":
		return 0
	case path == "/v1/connections" && method == http.MethodPost:
		return maxDefinition
	case path == "/v1/logins/import":
		return maxImport
	}
	return maxBody
}

// takesValues says whether a request may hold a value in plain, or what a person
// types into a page.
func takesValues(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	for _, begins := range []string{"/v1/secrets", "/v1/logins", "/v1/connections", "/v1/clients/"} {
		if strings.HasPrefix(r.URL.Path, begins) {
			return true
		}
	}
	return strings.HasPrefix(r.URL.Path, "/v1/jobs/") && strings.HasSuffix(r.URL.Path, "/browser")
}

// whose is who asks; nobody, where nobody need be anybody.
func (s *service) whose(r *http.Request) (hotcell.Principal, error) {
	if open(r) {
		return hotcell.Principal{}, nil
	}
	return s.Principal(r)
}

// errNobody is told at the open port, where a connection proves nothing.
var errNobody = fmt.Errorf("%w: say who you are: Authorization: Bearer, with a session or an API token", hotcell.ErrSignIn)

// bearing lets in who brings a bearer, and whoever asks what nobody need be anybody for.
func (s *service) bearing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !open(r) && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			s.refuse(w, r, errNobody)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// identify finds out who asks.
func (s *service) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.whose(r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		p.Request = requestID(r.Context())
		if most := mostOf(r.Method, r.URL.Path); most > 0 {
			if r.ContentLength > most {
				writeProblem(w, r, newProblem(http.StatusRequestEntityTooLarge, "too_large", "Too large", fmt.Sprintf("a request here has at most %d MiB", most>>20)))
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, most)
		}
		if takesValues(r) {
			// The buffer of a connection that is kept would hold what was sent.
			w.Header().Set("Connection", "close")
			defer s.Tidy.Used()
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), keyPrincipal, p)))
	})
}
