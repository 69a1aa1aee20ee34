package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/worker/gateway"
)

// site is an HTTPS host behind a gateway: "example.com", which the certificate
// of httptest is for.
type site struct {
	*world
	upstream *httptest.Server
	roots    *x509.CertPool
}

const host = "example.com:443"

// toward dials an upstream whatever is asked for.
type toward struct{ address string }

func (d toward) Dial(ctx context.Context, _ string, _ int) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", d.address)
}

func openSite(t *testing.T, handler http.HandlerFunc, uses ...hotcell.Use) *site {
	t.Helper()
	return openSiteWith(t, handler, func(*world, *gateway.Config) {}, uses...)
}

func openSiteWith(t *testing.T, handler http.HandlerFunc, change func(*world, *gateway.Config), uses ...hotcell.Use) *site {
	t.Helper()
	s := &site{upstream: httptest.NewUnstartedServer(handler), roots: x509.NewCertPool()}
	s.upstream.EnableHTTP2 = true
	s.upstream.StartTLS()
	t.Cleanup(s.upstream.Close)
	s.world = start(t, func(w *world, c *gateway.Config) {
		w.uses = uses
		w.allow = append(w.allow, hotcell.Allow{Host: "example.com", Port: 443, Protocol: hotcell.ProtocolHTTPS})
		for _, u := range uses {
			if err := w.builder.Add(guard.Label{ID: string(u.Credential), Name: u.Name}, []byte(payload)); err != nil {
				t.Fatal(err)
			}
		}
		c.Dialer = toward{s.upstream.Listener.Addr().String()}
		c.Roots = x509.NewCertPool()
		c.Roots.AddCert(s.upstream.Certificate())
		change(w, c)
	})
	_, spec := s.say(t, "GET /spec HTTP/1.1\r\nHost: g\r\n\r\n")
	_, ca, _ := strings.Cut(spec, `"ca":"`)
	ca, _, _ = strings.Cut(ca, `"`)
	if !s.roots.AppendCertsFromPEM([]byte(strings.ReplaceAll(ca, `\n`, "\n"))) {
		t.Fatalf("no authority in %s", spec)
	}
	if status, text := s.say(t, "POST /lease HTTP/1.1\r\nHost: g\r\nContent-Length: 21\r\n\r\n"+`{"public_key":"a2V5"}`); status != http.StatusOK {
		t.Fatal(text)
	}
	return s
}

// raw is a connection under the job's TLS.
func (s *site) raw(t *testing.T, protocols ...string) *tls.Conn {
	t.Helper()
	c, _, status, text := s.connect(t, host)
	if status != http.StatusOK {
		t.Fatal(text)
	}
	under := tls.Client(c, &tls.Config{ServerName: "example.com", RootCAs: s.roots, NextProtos: protocols})
	if err := under.Handshake(); err != nil {
		t.Fatal(err)
	}
	return under
}

func (s *site) client(t *testing.T, h2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{ServerName: "example.com", RootCAs: s.roots}, ForceAttemptHTTP2: h2}
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		c, _, status, text := s.connect(t, host)
		if status != http.StatusOK {
			return nil, errors.New(text)
		}
		return c, nil
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestRequestsGoThroughAsTheyAre(t *testing.T) {
	t.Parallel()
	s := openSite(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Tail")
		_, _ = fmt.Fprintf(w, "%s %s %s %s %q %s", r.Proto, r.Method, r.RequestURI, r.Host, body, r.Trailer.Get("X-Note"))
		w.Header().Set("X-Tail", "the end")
	})
	for _, h2 := range []bool{false, true} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://example.com/a%20b/%C3%A4?x=1&y=;&z", struct{ io.Reader }{strings.NewReader("hello")})
		r.Trailer = http.Header{"X-Note": {"noted"}}
		answer, err := s.client(t, h2).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		want := `HTTP/2.0 PUT /a%20b/%C3%A4?x=1&y=;&z example.com "hello" noted`
		if err != nil || string(text) != want || answer.Trailer.Get("X-Tail") != "the end" || answer.ProtoMajor == 2 != h2 {
			t.Errorf("h2 %v: %s %q, trailer %q, %v", h2, answer.Proto, text, answer.Trailer, err)
		}
	}
}

func TestEventsArriveOneByOne(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	s := openSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	answer, err := s.client(t, false).Get("https://example.com/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewReader(answer.Body)
	for i := range 3 {
		line, err := lines.ReadString('\n')
		_, _ = lines.ReadString('\n')
		if err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Errorf("%q, %v", line, err)
		}
		next <- struct{}{} // only now is there more
	}
}

func TestWhatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	t.Parallel()
	s := openSite(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "arrived") })
	for name, raw := range map[string]string{
		"two lengths":            "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
		"chunked with a length":  "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"another way around":     "POST / HTTP/1.1\r\nHost: example.com\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"a coding of nobody's":   "POST / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"an absolute target":     "GET https://evil.example/ HTTP/1.1\r\nHost: example.com\r\n\r\n",
		"another host":           "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"another port":           "GET / HTTP/1.1\r\nHost: example.com:8443\r\n\r\n",
		"no host":                "GET / HTTP/1.1\r\n\r\n",
		"TRACE":                  "TRACE / HTTP/1.1\r\nHost: example.com\r\n\r\n",
		"CONNECT":                "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
		"a header of the house":  "GET / HTTP/1.1\r\nHost: example.com\r\nHotcell-Use: att_1\r\n\r\n",
		"a line within a header": "GET / HTTP/1.1\r\nHost: example.com\r\nX-A: b\rc\r\n\r\n",
	} {
		c := s.raw(t)
		_, _ = io.WriteString(c, raw)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			continue // closed without a word
		}
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode < 400 || bytes.Contains(text, []byte("arrived")) {
			t.Errorf("%s: %d %s", name, answer.StatusCode, text)
		}
	}
	if len(s.forwarded) != 0 {
		t.Errorf("by the vault: %q", s.forwarded)
	}
}

func TestACredentialGoesByTheVault(t *testing.T) {
	t.Parallel()
	use := hotcell.Use{Attachment: "att_1", Credential: "con_1", Name: "api", As: hotcell.InjectHTTP, Tier: hotcell.TierConnection, HTTP: &hotcell.HTTPAccess{Host: "example.com", Port: 443}, Narrowing: hotcell.Narrowing{Methods: []string{"GET"}}}
	s := openSite(t, func(http.ResponseWriter, *http.Request) { t.Error("it went to the host itself") }, use)
	answer, err := s.client(t, true).Get("https://example.com/v1/a%20b?x=%2F")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	if string(text) != "by the vault" || s.forwarded[0] != "att_1 GET https://example.com:443/v1/a%20b?x=%2F" {
		t.Errorf("%q, %q", text, s.forwarded)
	}
	for _, target := range []string{"https://example.com/a/%2e%2e/b", "https://example.com/a;b"} {
		if answer, err := s.client(t, false).Get(target); err != nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v, %v", target, answer, err)
		}
	}
	if answer, err := s.client(t, false).Post("https://example.com/v1/notes?q=1", "text/plain", nil); err != nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("another method: %v, %v", answer, err)
	}
	// The log tells it from a GET, and has not the query.
	if !slices.ContainsFunc(s.recorded("network.refuse"), func(reason string) bool { return strings.HasPrefix(reason, "POST /v1/notes: ") }) {
		t.Errorf("of the refusal the log says %q", s.recorded("network.refuse"))
	}
	s.world.mu.Lock()
	s.fault = "the grant is dead"
	s.world.mu.Unlock()
	answer, err = s.client(t, false).Get("https://example.com/v1")
	if err != nil || answer.StatusCode != http.StatusForbidden {
		t.Fatalf("%v, %v", answer, err)
	}
	if text, _ := io.ReadAll(answer.Body); !bytes.Contains(text, []byte("the grant is dead")) {
		t.Errorf("%s", text)
	}
}

// zeros are so many bytes, without their being anywhere.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	for i := range p[:n] {
		p[i] = 'a' + byte(i%23)
	}
	z.left -= n
	return int(n), nil
}

// A refusal is told with its path, and no value in that is told with it, in whatever
// spelling of a URL.
func TestARefusalsPathIsToldWithoutValues(t *testing.T) {
	t.Parallel()
	s := openSite(t, func(http.ResponseWriter, *http.Request) { t.Error("it arrived") }, hotcell.Use{Credential: "sec_1", Name: "other", As: hotcell.InjectEnvironment, Tier: hotcell.TierSecret, Narrowing: hotcell.Narrowing{Hosts: []string{"elsewhere.example"}}})
	var everywhere strings.Builder
	for _, c := range []byte(payload) {
		fmt.Fprintf(&everywhere, "%%%02x", c)
	}
	for _, path := range []string{url.PathEscape(payload), everywhere.String(), base64.RawURLEncoding.EncodeToString([]byte(payload)), strings.Repeat("x", 150) + url.PathEscape(payload)} {
		answer, err := s.client(t, false).Get("https://example.com/notes/" + path)
		if err != nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v, %v", path, answer, err)
		}
	}
	told := s.recorded("guard.refuse")
	if len(told) != 4 || !strings.HasPrefix(told[0], "GET /notes/") {
		t.Errorf("told of %d: %q", len(told), told)
	}
	for _, reason := range told {
		plain, _ := url.PathUnescape(reason)
		if strings.Contains(plain, payload[:8]) || strings.Contains(reason, base64.RawURLEncoding.EncodeToString([]byte(payload))[:10]) {
			t.Errorf("the log has %q", reason)
		}
	}
}

func TestABodyOfAnySizeTakesNoMemory(t *testing.T) {
	t.Parallel()
	const size = 128 << 20
	s := openSite(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n)
	}, hotcell.Use{Credential: "sec_1", Name: "other", As: hotcell.InjectEnvironment, Tier: hotcell.TierSecret, Narrowing: hotcell.Narrowing{Hosts: []string{"elsewhere.example"}}})
	answer, err := s.client(t, false).Post("https://example.com/", "text/plain", &zeros{size})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	if string(text) != fmt.Sprint(size) {
		t.Errorf("%s bytes arrived", text)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	if memory.HeapSys > 96<<20 {
		t.Errorf("%d MiB of heap for a body of %d MiB", memory.HeapSys>>20, size>>20)
	}
	got := make(chan int64, 1)
	s.upstream.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		got <- n
	})
	answer, err = s.client(t, false).Post("https://example.com/", "text/plain", io.MultiReader(&zeros{1 << 20}, strings.NewReader(payload)))
	if err == nil && answer.StatusCode != http.StatusForbidden {
		t.Errorf("a value at its end: %d", answer.StatusCode)
	}
	if n := <-got; n > 1<<20 {
		t.Errorf("%d bytes arrived: some of the value", n)
	}
}

func TestARefusedMessageIsRecorded(t *testing.T) {
	t.Parallel()
	s := openSite(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		if text, _ := io.ReadAll(c); bytes.Contains(text, []byte(payload[:8])) {
			t.Error("the message arrived")
		}
		_ = c.Close()
	}, hotcell.Use{Credential: "sec_1", Name: "other", As: hotcell.InjectEnvironment, Tier: hotcell.TierSecret, Narrowing: hotcell.Narrowing{Hosts: []string{"elsewhere.example"}}})
	c := s.raw(t)
	_, _ = io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	r := bufio.NewReader(c)
	if answer, err := http.ReadResponse(r, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", answer, err)
	}
	_, _ = c.Write(append([]byte{0x81, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...))
	if text, _ := io.ReadAll(r); len(text) > 0 {
		t.Errorf("it is told %q", text)
	}
	for range 200 {
		if slices.Contains(s.kinds(), "guard.refuse "+host) {
			return
		}
		time.Sleep(10 * time.Millisecond) // it is told beside the connection's end
	}
	t.Errorf("events: %q", s.kinds())
}
