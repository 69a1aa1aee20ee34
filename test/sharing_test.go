package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hotcell"
)

const sharedHost = "shared.example"

// careless is a server over HTTP/1.1 that answers most requests without reading
// their bodies, and takes what stands there for the next request. What is posted
// to /notes it keeps.
type careless struct {
	mu sync.Mutex
	// notes are what was kept, and seen the values of Authorization by connection.
	notes []string
	seen  map[string]map[string]bool
	// extra is what it says after each answer.
	extra string
}

func (s *careless) listen(l net.Listener) {
	s.seen = map[string]map[string]bool{}
	for n := 1; ; n++ {
		c, err := l.Accept()
		if err != nil {
			return
		}
		// Not its address alone: the port of one that was cut off is given out again.
		go s.talk(c, fmt.Sprint(c.RemoteAddr(), ", number ", n))
	}
}

func (s *careless) talk(c net.Conn, name string) {
	defer func() { _ = c.Close() }()
	from := bufio.NewReader(c)
	for {
		line, err := textproto.NewReader(from).ReadLine()
		if err != nil {
			return
		}
		head, err := textproto.NewReader(from).ReadMIMEHeader()
		if err != nil {
			s.keep(line + fmt.Sprint(head)) // what broke off tells something as well
			return
		}
		s.see(name, head.Get("Authorization"))
		if strings.HasPrefix(line, "POST /notes ") {
			n, _ := strconv.Atoi(head.Get("Content-Length"))
			note := make([]byte, n)
			read, _ := io.ReadFull(from, note)
			s.keep(string(note[:read]))
		}
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"+s.extra); err != nil {
			return
		}
	}
}

func (s *careless) see(conn, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[conn] == nil {
		s.seen[conn] = map[string]bool{}
	}
	s.seen[conn][value] = true
}

func (s *careless) keep(note string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, note)
}

// kept is all that was kept.
func (s *careless) kept() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.notes, "\n")
}

// smuggled is a request within the body of another, that waits for more: for what
// stands at the beginning of the next one, its bearer included.
const smuggled = "POST /notes HTTP/1.1\r\nHost: " + sharedHost + "\r\nContent-Length: 140\r\n\r\n"

// do makes a request and reads its answer; what went wrong is of no interest to
// who attacks.
func do(client *http.Client, method, url, body string, headers ...string) (int, string) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, ""
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// TestNoJobStandsBeforeAnother: what one job sends is never taken for the beginning
// of what another one sends, or of what goes on for itself.
func TestNoJobStandsBeforeAnother(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a small body": smuggled,
		"a large one":  strings.Repeat("x=1\r\n", 40_000) + "\r\n" + smuggled,
	} {
		for _, upstream := range []*careless{{}, {extra: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nHTTP"}} {
			t.Run(fmt.Sprint(name, " ", upstream.extra != ""), func(t *testing.T) {
				t.Parallel()
				b := openBorder(t, sharedHost)
				l, port := b.listen([]string{"http/1.1"}, sharedHost)
				go upstream.listen(l)
				evil, good := "evil-9d1fKq72vLx0", "good-4h8sPz61wQm3"
				mine := b.account("mine", evil, sharedHost, port, hotcell.Auth{Kind: "bearer"})
				yours := b.account("yours", good, sharedHost, port, hotcell.Auth{Kind: "bearer"})
				attacker, victim := b.run("attacker", nil, mine).client(sharedHost, false), b.run("victim", nil, yours).client(sharedHost, false)
				for range 8 {
					for _, method := range []string{"POST", "PUT", "DELETE", "GET"} {
						do(attacker, method, at(sharedHost, port)+"/page", body)
						do(victim, "GET", at(sharedHost, port)+"/me", "")
						do(attacker, "GET", at(sharedHost, port)+"/me", "")
					}
				}
				if kept := upstream.kept(); strings.Contains(kept, good) || strings.Contains(kept, evil) {
					t.Errorf("kept: %q", kept)
				}
				upstream.alone(t)
			})
		}
	}
}

// alone says that no connection has seen two credentials.
func (s *careless) alone(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn, values := range s.seen {
		if delete(values, ""); len(values) > 1 {
			t.Errorf("the connection of %s saw %d credentials", conn, len(values))
		}
	}
}

// TestConnectionsAreOfOneJobAndOneAttachment: over HTTP/2 as well, and with the
// same credential. Within the two, they are used again.
func TestConnectionsAreOfOneJobAndOneAttachment(t *testing.T) {
	t.Parallel()
	for _, two := range []bool{false, true} {
		t.Run(fmt.Sprint(two), func(t *testing.T) {
			t.Parallel()
			b := openBorder(t, sharedHost)
			var mu sync.Mutex
			seen, requests := map[string]map[string]bool{}, 0
			port := b.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				mu.Lock()
				defer mu.Unlock()
				requests++
				if seen[connOf(r)] == nil {
					seen[connOf(r)] = map[string]bool{}
				}
				seen[connOf(r)][r.Header.Get("X-Job")+" "+r.Header.Get("Authorization")+r.Header.Get("X-Token")] = true
				_, _ = io.WriteString(w, "ok")
			}), two, sharedHost)
			first := b.account("first", "first-9d1fKq72vLx0", sharedHost, port, hotcell.Auth{Kind: "bearer"})
			jobs := []*cell{b.run("one", nil, first), b.run("two", nil, first)}
			var wg sync.WaitGroup
			for i, c := range jobs {
				for range 4 {
					wg.Go(func() {
						client := c.client(sharedHost, two)
						for range 25 {
							if status, text := do(client, "GET", at(sharedHost, port)+"/", "", "X-Job", strconv.Itoa(i)); status != http.StatusOK {
								t.Errorf("%d %s", status, text)
							}
						}
					})
				}
			}
			wg.Wait()
			mu.Lock()
			defer mu.Unlock()
			for conn, who := range seen {
				if len(who) > 1 {
					t.Errorf("%s was shared by %v", conn, who)
				}
			}
			if len(seen) > 16 || requests != 200 {
				t.Errorf("%d requests over %d connections", requests, len(seen))
			}
		})
	}
}
