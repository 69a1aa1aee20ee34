package courier_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/courier"
)

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func TestACallIsMadeWithTheKey(t *testing.T) {
	t.Parallel()
	var got, agent string
	w := setup(t, func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, agent = r.Method+" "+r.URL.String()+" "+string(body), r.UserAgent()
		answer(out, map[string]any{"ok": true, "id": 7})
	}, courier.Limits{})
	seen, trip, err := w.do(t.Context(), "put", map[string]any{"text": `a "quoted" text`})
	if err != nil || !strings.Contains(seen, `"id":7`) || w.unkeyed.Load() != 0 {
		t.Fatalf("got %s, %v, without a key: %d", seen, err, w.unkeyed.Load())
	}
	if want := `POST /put {"text":"a \"quoted\" text"}`; strings.TrimSpace(got) != want || agent != "hotcell" {
		t.Errorf("the service got %s from %s, want %s", got, agent, want)
	}
	if trip.Status != 200 || trip.Requests != 1 || trip.Size == 0 || trip.Lost || trip.Refused {
		t.Errorf("the trip is %+v", trip)
	}
}

// hostile are answers of a service that wants the token, or trouble.
var hostile = map[string]http.HandlerFunc{
	"every header echoed": func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			w.Header()["X-Echo-"+name] = values
		}
		w.Header().Set("X-"+token, "1")
		answer(w, r.Header)
	},
	"an error with the token": func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"error": map[string]any{"message": "bad token " + token, "code": r.Header.Get("Authorization")}})
	},
	"an error in text": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no good: Bearer "+token, http.StatusForbidden)
	},
	"an error of its own kind": func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"ok": false, "error": "invalid " + hex.EncodeToString([]byte(token))})
	},
	"encoded": func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"base64": base64.StdEncoding.EncodeToString([]byte("x" + token)), "hex": hex.EncodeToString([]byte(token)), "back": backwards(token),
			"url": url.QueryEscape(token), "upper": strings.ToUpper(token), token: "a key",
		})
	},
	"escaped": func(w http.ResponseWriter, _ *http.Request) {
		var text strings.Builder
		for _, c := range []byte(token) {
			fmt.Fprintf(&text, `\u%04x`, c)
		}
		_, _ = io.WriteString(w, `{"t":"`+text.String()+`"}`)
	},
	"packed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"t":"`+token+`"}`)
		_ = z.Close()
	},
	"the wrong content type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "<html>"+token+"</html>")
	},
	"a redirect to another host": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://evil.example.com/?token="+token)
		w.WriteHeader(http.StatusTemporaryRedirect)
	},
	"a redirect within": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/elsewhere" {
			http.Redirect(w, r, "/elsewhere?t="+token, http.StatusFound)
			return
		}
		answer(w, map[string]any{"followed": true})
	},
	"an unknown coding": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "x-"+token)
		_, _ = io.WriteString(w, token)
	},
	"a coding that nobody asked for": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "zstd")
		_, _ = io.WriteString(w, token)
	},
	"codings upon codings": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Content-Encoding", "gzip")
		w.Header().Add("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, token)
	},
	"broken off": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, token)
	},
	"a page elsewhere": func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"items": []any{1}, "next": "https://evil.example.com/next?t=" + token})
	},
	"a page in the clear": func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"items": []any{1}, "next": "http://example.com/list"})
	},
	"a page with the token": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			answer(w, map[string]any{"items": []any{r.URL.RawQuery}})
			return
		}
		answer(w, map[string]any{"items": []any{}, "next": "https://example.com/list?t=" + token})
	},
	"an upload elsewhere": func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"url": "https://evil.example.com/up", "items": nil})
	},
	"packed twice": func(w http.ResponseWriter, _ *http.Request) {
		once := base64.StdEncoding.EncodeToString([]byte(token))
		answer(w, map[string]any{"packed": base64.StdEncoding.EncodeToString([]byte(once)), "items": nil})
	},
	"nonsense": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\x00\xff{[") },
	"nothing":  func(http.ResponseWriter, *http.Request) {},
}

func TestWhatAHostileServiceAnswers(t *testing.T) {
	t.Parallel()
	for name, handler := range hostile {
		for _, tool := range []string{"get", "put", "decode", "list", "upload"} {
			t.Run(name+" to "+tool, func(t *testing.T) {
				t.Parallel()
				var paths atomic.Pointer[[]string]
				paths.Store(&[]string{})
				w := setup(t, func(out http.ResponseWriter, r *http.Request) {
					seen := append(*paths.Load(), r.URL.String())
					paths.Store(&seen)
					handler(out, r)
				}, courier.Limits{Requests: 5})
				args := map[string]any{}
				if tool == "put" {
					args["text"] = "t"
				}
				seen, _, err := w.do(t.Context(), tool, args)
				clean(t, name, seen)
				if failure, ok := errors.AsType[*connector.Failure](err); ok {
					clean(t, name, failure.Message)
				}
				if n := w.elsewhere.Load(); n != 0 {
					t.Errorf("%d requests arrived at another host", n)
				}
				for _, path := range *paths.Load() {
					clean(t, "a request's URL", path)
					if strings.Contains(path, "elsewhere") {
						t.Error("a redirect was followed")
					}
				}
				if err != nil && (strings.Contains(err.Error(), "evil") || strings.Contains(err.Error(), "127.0.0.1")) {
					t.Errorf("the error tells of a place: %v", err)
				}
			})
		}
	}
}

func TestSizesAndTimesAreBounded(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		tool    string
		says    string
	}{
		"an endless body": {endless, "get", "more than"},
		"an endless error": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			endless(w, r)
		}, "get", "more than"},
		"a bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 1024 {
				_, _ = z.Write(make([]byte, 64<<10))
			}
			_ = z.Close()
		}, "get", "more than"},
		"no end of pages": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"items": []any{}, "next": "https://example.com/list?more"})
		}, "list", ""},
		"silence": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "get", "in time"},
		"a silent body": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "get", "in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := courier.Limits{Page: 1 << 20, Call: 3 << 20, Requests: 20}
			if c.says == "in time" {
				limits.Request = 300 * time.Millisecond
			}
			w := setup(t, c.handler, limits)
			seen, trip, err := w.do(t.Context(), c.tool, nil)
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %.100s, %v, want an error with %q", seen, err, c.says)
			}
			if trip.Requests > 21 || trip.Size > 3<<20 || len(seen) > 4<<20 {
				t.Errorf("the trip was %+v, with %d bytes", trip, len(seen))
			}
		})
	}
}

// JSON that leads too deep, or is next to nothing but brackets, ends its call, with a
// reason; where the service says no with it, that is told.
func TestJSONThatIsNotRead(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000)
	many := `{"items":[` + strings.Repeat("{},", 500_000) + `0]}`
	packed := base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(deep))))
	for name, c := range map[string]struct {
		body, says string
		status     int
	}{
		"deep lists":     {deep, "nested too deep", 200},
		"deep objects":   {strings.Repeat(`{"a":`, 200_000), "nested too deep", 200},
		"many":           {many, "too many values", 200},
		"deep, and no":   {deep, "answered 400", 400},
		"many, and no":   {many, "answered 500", 500},
		"deep in a text": {`{"packed":"` + packed + `","items":[]}`, "", 200},
	} {
		for _, tool := range []string{"get", "list", "upload", "decode"} {
			t.Run(name+" to "+tool, func(t *testing.T) {
				t.Parallel()
				w := setup(t, func(out http.ResponseWriter, _ *http.Request) {
					out.Header().Set("Content-Type", "application/json")
					out.WriteHeader(c.status)
					_, _ = io.WriteString(out, c.body)
				}, courier.Limits{})
				seen, _, err := w.do(t.Context(), tool, map[string]any{})
				failure, ok := errors.AsType[*connector.Failure](err)
				if c.says == "" {
					return // it ends, whatever it says
				}
				if !ok || !strings.Contains(failure.Message, c.says) || len(failure.Message) > 3000 {
					t.Errorf("got %.100s, %.200v", seen, err)
				}
			})
		}
	}
}

func TestA401IsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail    string
		tool    string
		refused bool
	}{
		"at once": {"/put", "put", true}, "while reading": {"/get", "get", true},
		"before a change": {"/slot", "upload", true}, "after a change": {"/done", "upload", false},
		"after a search by POST": {"/more", "search", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(out http.ResponseWriter, r *http.Request) {
				if r.URL.Path == c.fail {
					out.WriteHeader(http.StatusUnauthorized)
				}
				answer(out, map[string]any{"url": "https://files.example.com/up"})
			}, courier.Limits{})
			args := map[string]any{}
			if c.tool == "put" {
				args["text"] = "t"
			}
			_, trip, err := w.do(t.Context(), c.tool, args)
			failure, ok := errors.AsType[*connector.Failure](err)
			if !ok || failure.Status != 401 || trip.Status != 401 || trip.Refused != c.refused {
				t.Errorf("got %v, %+v, want it refused: %t", err, trip, c.refused)
			}
		})
	}
}

func TestAKeyThatIsNotKnownIsToldByAnotherStatusToo(t *testing.T) {
	t.Parallel()
	for path, refused := range map[string]bool{"/slot": true, "/done": false} {
		w := setup(t, func(out http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				answer(out, map[string]any{"ok": false, "error": "token_expired"})
				return
			}
			answer(out, map[string]any{"ok": true, "url": "https://files.example.com/up"})
		}, courier.Limits{})
		_, trip, err := w.do(t.Context(), "upload", nil)
		if failure, ok := errors.AsType[*connector.Failure](err); !ok || failure.Status != 401 || trip.Status != 401 || trip.Refused != refused {
			t.Errorf("%s: %v, %+v, want it refused: %t", path, err, trip, refused)
		}
	}
}

func TestTheKeyGoesToItsOwnHostAlone(t *testing.T) {
	t.Parallel()
	var files atomic.Value
	files.Store("")
	w := setup(t, func(out http.ResponseWriter, r *http.Request) {
		if r.Host == "files.example.com" {
			files.Store("came:" + r.Header.Get("Authorization"))
		}
		answer(out, map[string]any{"url": "https://files.example.com/up"})
	}, courier.Limits{})
	if seen, _, err := w.do(t.Context(), "upload", nil); err != nil {
		t.Fatal(seen, err)
	}
	if got := files.Load(); got != "came:" {
		t.Errorf("the upload came with %q, want no key", got)
	}
}

func TestAServiceThatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tool string
		lost bool
	}{"a read": {"get", false}, "a read by POST": {"search", false}, "a write": {"put", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(out http.ResponseWriter, _ *http.Request) {
				conn, _, _ := http.NewResponseController(out).Hijack()
				_ = conn.Close()
			}, courier.Limits{})
			_, trip, err := w.do(t.Context(), c.tool, map[string]map[string]any{"put": {"text": "t"}, "get": {}, "search": {}}[c.tool])
			if !errors.Is(err, hotcell.ErrUnavailable) || errors.Is(err, courier.ErrLost) != c.lost || trip.Lost != c.lost {
				t.Errorf("got %v, %+v, want it lost: %t", err, trip, c.lost)
			}
			if strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "example") {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

func TestACallThatIsEnded(t *testing.T) {
	t.Parallel()
	came := make(chan struct{})
	w := setup(t, func(_ http.ResponseWriter, r *http.Request) { close(came); <-r.Context().Done() }, courier.Limits{})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-came; cancel(errors.New("taken away")) }()
	began := time.Now()
	if _, _, err := w.do(ctx, "get", nil); err == nil || !strings.Contains(err.Error(), "taken away") || time.Since(began) > time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
}

func TestAKeyThatCannotBeLookedForIsNotUsed(t *testing.T) {
	t.Parallel()
	if _, err := courier.Patterns(guard.Label{ID: "con_1", Name: "n"}, bearer, sensitive.Copy([]byte("abc"))); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("got %v, want it denied", err)
	}
	if p, err := courier.Patterns(guard.Label{ID: "con_1", Name: "n"}, bearer); err != nil || p.Contains([]byte(token)) {
		t.Errorf("without a value: %v", err)
	}
	pair := sensitive.Copy([]byte("somebody:" + token))
	if p, err := courier.Patterns(guard.Label{ID: "con_1", Name: "n"}, hotcell.Auth{Kind: "basic"}, pair); err != nil || !p.Contains([]byte("x"+token)) {
		t.Errorf("the password within a pair is not looked for: %v", err)
	}
}
