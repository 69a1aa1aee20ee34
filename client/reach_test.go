package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/control/api/apitest"
)

const bearer = hotcell.Bearer("hc_pat_a-bearer-that-nobody-else-may-have")

// served is a handler at a URL, with what it was asked.
type served struct {
	url   string
	roots *x509.CertPool
	mu    sync.Mutex
	asked []string
}

// serve serves a handler over TLS, as the configuration has it.
func serve(t *testing.T, config *tls.Config, handler http.HandlerFunc) *served {
	t.Helper()
	s := &served{roots: x509.NewCertPool()}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var whole strings.Builder
		_ = r.Write(&whole)
		s.mu.Lock()
		s.asked = append(s.asked, whole.String())
		s.mu.Unlock()
		handler(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	s.url = server.URL
	s.roots.AddCert(server.Certificate())
	return s
}

func (s *served) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func TestAServerAtAURLIsAskedWithTheBearer(t *testing.T) {
	t.Parallel()
	world, ctx := apitest.New(t), t.Context()
	address, authority := world.ServeTLS(t, bearer)
	roots, pins := x509.NewCertPool(), client.PinFile(filepath.Join(t.TempDir(), "pins.json"))
	roots.AppendCertsFromPEM(authority)
	c := client.New(client.Options{URL: address + "/", Bearer: bearer, Roots: roots, Pin: pins})
	if _, err := c.CreateSecret(ctx, client.SecretDraft{Name: "billing", Variables: variables("KEY", "a-value")}); err != nil || world.Value("billing", "KEY") != "a-value" {
		t.Fatal(err)
	}
	if all, err := pins.All(); err != nil || len(all) != 1 || all[address] == "" {
		t.Errorf("pinned: %v, %v", all, err)
	}
	for _, wrong := range []hotcell.Bearer{"", "hc_pat_another"} {
		_, err := client.New(client.Options{URL: address, Bearer: wrong, Roots: roots}).Secrets(ctx, "")
		if !errors.Is(err, hotcell.ErrSignIn) {
			t.Errorf("%v", err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", c, c, client.Options{Bearer: bearer}); strings.Contains(text, string(bearer)) {
		t.Error("a client that is printed shows its bearer")
	}
}

func TestTheBearerIsInOneHeaderAndIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"code":"sign_in","detail":"who are you?"}`)
	})
	c := client.New(client.Options{URL: s.url, Bearer: bearer, Roots: s.roots, Workspace: "wsp_x"})
	if _, err := c.Secrets(t.Context(), "billing"); !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("%v", err)
	}
	heard := s.heard()
	if len(heard) != 1 || strings.Count(heard[0], string(bearer)) != 1 || !strings.Contains(heard[0], "\r\nAuthorization: Bearer "+string(bearer)+"\r\n") || !strings.Contains(heard[0], "\r\nHotcell-Workspace: wsp_x\r\n") {
		t.Errorf("asked %q", heard)
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"items":[]}`) })
	for _, code := range []int{301, 302, 303, 307, 308} {
		for name, to := range map[string]string{"another": elsewhere.url + "/v1/secrets", "the same": "/v1/other", "plain": "http://127.0.0.1:1/", "odd": "://"} {
			s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(code)
			})
			s.roots.AddCert(elsewhere.certificate(t))
			c := client.New(client.Options{URL: s.url, Bearer: bearer, Roots: s.roots})
			_, err := c.CreateAssignment(t.Context(), "report", hotcell.Work{Command: "x"})
			trust, ok := errors.AsType[*client.TrustError](err)
			if err == nil || name != "odd" && (!ok || !trust.Stranger) || len(s.heard()) != 1 {
				t.Errorf("%d to %s: %v, asked %d times", code, name, err, len(s.heard()))
			}
		}
	}
	if heard := elsewhere.heard(); len(heard) != 0 {
		t.Errorf("another server was asked %q", heard)
	}
}

func (s *served) certificate(t *testing.T) *x509.Certificate {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{RootCAs: s.roots})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0]
}

func TestWhyAServerIsNotReachedIsSaid(t *testing.T) {
	t.Parallel()
	fine := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"items":[]}`)
	}
	good, old := serve(t, nil, fine), serve(t, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, fine)
	page := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html><title>Sign in to the wifi")
	})
	down := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>Bad gateway", http.StatusBadGateway) })
	cut := serve(t, nil, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	plain := httptest.NewServer(http.HandlerFunc(fine))
	t.Cleanup(plain.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	other := x509.NewCertPool()
	for name, c := range map[string]struct {
		o    client.Options
		is   error
		says string
	}{
		"good":              {client.Options{URL: good.url, Roots: good.roots}, nil, ""},
		"plain":             {client.Options{URL: plain.URL}, nil, ""},
		"unknown authority": {client.Options{URL: good.url, Roots: other}, hotcell.ErrDenied, "authority that this machine does not know"},
		"another name":      {client.Options{URL: strings.Replace(good.url, "127.0.0.1", "localhost", 1), Roots: good.roots}, hotcell.ErrDenied, "one for another name"},
		"old TLS":           {client.Options{URL: old.url, Roots: old.roots}, hotcell.ErrUnavailable, "gave no answer"},
		"no TLS":            {client.Options{URL: strings.Replace(plain.URL, "http:", "https:", 1)}, hotcell.ErrDenied, "does not speak TLS"},
		"TLS asked plainly": {client.Options{URL: strings.Replace(good.url, "https:", "http:", 1)}, hotcell.ErrDenied, "no Hotcell server"},
		"a page":            {client.Options{URL: page.url, Roots: page.roots}, hotcell.ErrDenied, "no Hotcell server"},
		"down":              {client.Options{URL: down.url, Roots: down.roots}, hotcell.ErrUnavailable, "a proxy before the server"},
		"cut":               {client.Options{URL: cut.url, Roots: cut.roots}, hotcell.ErrUnavailable, "gave no answer"},
		"refused":           {client.Options{URL: "https://" + closed.Addr().String()}, client.ErrNoServer, "no server answers at https://127.0.0.1"},
		"no such name":      {client.Options{URL: "https://nowhere.invalid"}, hotcell.ErrUnavailable, ""},
		"far and plain":     {client.Options{URL: "http://192.0.2.1"}, hotcell.ErrInvalid, "say https://192.0.2.1"},
	} {
		c.o.Bearer = bearer
		_, err := client.New(c.o).Secrets(t.Context(), "a-name-that-i-look-for")
		if c.is == nil && err != nil || !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		for _, secret := range []string{string(bearer), "look-for", "html"} {
			if strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestAddressesHaveOneForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://hotcell.acme.test": "https://hotcell.acme.test", "HTTPS://HotCell.ACME.test:443/": "https://hotcell.acme.test", "hotcell.acme.test": "https://hotcell.acme.test",
		"hotcell.acme.test:7878": "https://hotcell.acme.test:7878", "https://hotcell.acme.test.": "https://hotcell.acme.test", "https://bücher.test": "https://xn--bcher-kva.test",
		"https://[::1]:7878": "https://[::1]:7878", "https://[2001:DB8::1]": "https://[2001:db8::1]", "http://127.0.0.1:7878": "http://127.0.0.1:7878", "http://LOCALHOST:80": "http://localhost", "http://[::1]": "http://[::1]",
		"": "", "https://": "", "ftp://hotcell.acme.test": "", "http://hotcell.acme.test": "", "http://localhost.acme.test": "", "http://127.0.0.1.acme.test": "", "http://10.0.0.1": "",
		"https://ada:pw@hotcell.acme.test": "", "https://hotcell.acme.test/v1": "", "https://hotcell.acme.test?x=1": "", "https://hotcell.acme.test#x": "", "https://hotcell.acme.test:0": "", "https://hotcell.acme.test:65536": "",
		"https://hotcell.acme.test:x": "", "https://a b": "", "https://0x7f.1": "", "http://2130706433": "", "https:hotcell.acme.test": "", "/run/hotcell.sock": "", "https://[fe80::1%25eth0]": "", "https://\x1b[31m.test": "",
	} {
		got, err := client.Address(text)
		if got != want || (err == nil) != (want != "") || err != nil && (!errors.Is(err, hotcell.ErrInvalid) || strings.Contains(err.Error(), "pw")) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if again, err := client.Address(got); got != "" && (again != got || err != nil) {
			t.Errorf("%q, again: %q, %v", got, again, err)
		}
	}
}
