package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"hotcell/internal/frames"
	"hotcell/internal/site"
	"hotcell/internal/vaultrpc"
)

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// The pool of connections to hosts: enough that a busy job opens none per request.
const idlePerHost = 128

// newTransport reaches hosts directly.
func (g *Gateway) newTransport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			host, port, err := site.HostPort(address)
			if err != nil {
				return nil, err
			}
			return g.Dialer.Dial(ctx, host, port)
		},
		TLSClientConfig:   &tls.Config{RootCAs: g.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, DisableCompression: true,
		MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
		ExpectContinueTimeout: time.Second, MaxResponseHeaderBytes: 1 << 20,
	}
}

// router sends a request that was decided the way that it has to go: to its
// host, or to the vault where a credential is to go on.
type router struct{ gateway *Gateway }

// RoundTrip implements [http.RoundTripper].
func (r router) RoundTrip(out *http.Request) (*http.Response, error) {
	x := exchangeOf(out.Context())
	if x.verdict.Use == nil {
		return r.gateway.transport.RoundTrip(out)
	}
	via := out.Clone(out.Context())
	via.Trailer = out.Trailer
	// As it was written: the vault holds it against its own rules.
	via.Header[vaultrpc.HeaderTarget] = []string{"https://" + x.about.Host + out.URL.RequestURI()}
	via.Header[vaultrpc.HeaderJob] = []string{string(r.gateway.Job.ID)}
	via.Header[vaultrpc.HeaderUse] = []string{string(x.verdict.Use.Attachment)}
	via.Header["Host"] = nil
	answer, err := r.gateway.Vault.Forward(via)
	if err != nil {
		return nil, err
	}
	answer.Request = out
	if fault := answer.Header.Get(vaultrpc.HeaderFault); fault != "" {
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 2048))
		return nil, &faultError{status: answer.StatusCode, text: strings.TrimSpace(string(text))}
	}
	return answer, nil
}

// faultError is the vault's own answer.
type faultError struct {
	status int
	text   string
}

func (f *faultError) Error() string { return f.text }

// cause is what the cell may know of why a host was not reached.
func cause(err error) string {
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificate.Error()
	}
	if wait, ok := errors.AsType[net.Error](err); ok && wait.Timeout() {
		return "it did not answer in time"
	}
	return "the connection broke off"
}

// switched joins a client that asked for a WebSocket with the upstream's answer.
func (x *exchange) switched(w http.ResponseWriter, answer *http.Response) {
	upstream, ok := answer.Body.(io.ReadWriteCloser)
	if answer.StatusCode != http.StatusSwitchingProtocols || !ok {
		x.plain(w, answer)
		return
	}
	client, err := frames.Accept(w, answer)
	if err != nil {
		return
	}
	defer x.gateway.ends(client, upstream)()
	sides := frames.Sides{Up: x.inspect.side(), Down: x.inspect.back()}
	if _, _, refused := frames.Join(client, upstream, sides); refused != nil {
		if m, caught := x.inspect.caught(); caught {
			x.caught(m, "WebSocket")
		}
	}
}

// plain hands on the answer of a host that does not change the protocol.
func (x *exchange) plain(w http.ResponseWriter, answer *http.Response) {
	if err := x.answer(answer); err != nil {
		x.fail(w, err)
		return
	}
	for name, values := range answer.Header {
		if name != "Connection" && name != "Upgrade" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}

// buffers are for copying bodies.
type buffers struct{}

var pool = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// Get implements [httputil.BufferPool].
func (buffers) Get() []byte { return *pool.Get().(*[]byte) } //nolint:forcetypeassert // the pool holds nothing else

// Put implements [httputil.BufferPool].
func (buffers) Put(b []byte) { pool.Put(&b) }
