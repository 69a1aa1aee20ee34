package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/wire/frames"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/wire/relay"
	"hotcell/internal/wire/upstream"
)

// connections to hosts: enough that a busy job opens none per request.
var connections = netguard.Pool{PerHost: 128, Idle: time.Minute}

// roundTrip sends a request that was decided the way that it has to go: to its
// host, or to the vault where a credential is to go on.
func (x *exchange) roundTrip(r *http.Request) (*http.Response, error) {
	uri := r.URL.RequestURI()
	out := (&http.Request{
		Method: r.Method, Header: r.Header, Body: x.gateway.body(r.Body), ContentLength: r.ContentLength, Trailer: r.Trailer,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(r.Context())
	if len(x.verdict.Uses) == 0 {
		to := *r.URL
		to.Scheme, to.Host = "https", x.about.Host
		out.URL, out.Host = &to, r.Host
		if x.browser {
			// What a page sends must not stand before what another sends with a session.
			return x.gateway.visits.For(upstream.Holder{Job: x.gateway.Job.ID, Of: "browser"}).RoundTrip(out)
		}
		return x.gateway.transport.RoundTrip(out)
	}
	// As it was written: the vault holds it against its own rules.
	out.Header[vaultrpc.HeaderTarget] = []string{"https://" + x.about.Host + uri}
	out.Header[vaultrpc.HeaderJob] = []string{string(x.gateway.Job.ID)}
	if x.verdict.Model {
		out.Header[vaultrpc.HeaderModel] = []string{"true"}
	}
	for _, p := range x.own {
		out.Header[vaultrpc.HeaderOwn] = append(out.Header[vaultrpc.HeaderOwn], p.String())
	}
	for _, use := range x.verdict.Uses {
		out.Header[vaultrpc.HeaderUse] = append(out.Header[vaultrpc.HeaderUse], string(use.Attachment))
	}
	if patterns, path := x.gateway.patterns.Load(), []byte(r.URL.EscapedPath()); patterns != nil && patterns.Contains(path) {
		out.Header[vaultrpc.HeaderShown] = []string{printable(string(patterns.Redact(path)))}
	}
	if x.arm != "" {
		out.Header[vaultrpc.HeaderArm] = []string{x.arm}
	}
	answer, err := x.gateway.Vault.Forward(out)
	if err != nil {
		return nil, err
	}
	answer.Request = out
	if fault := answer.Header.Get(vaultrpc.HeaderFault); fault != "" {
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 2048))
		return nil, &faultError{status: answer.StatusCode, text: strings.TrimSpace(string(text))}
	}
	err = x.learn(r.Context(), answer)
	if err == nil {
		err = x.spend(answer)
	}
	if err != nil {
		_ = answer.Body.Close()
		return nil, err
	}
	return answer, nil
}

// learn has the guard know what the vault put onto the request, where that is
// newer than what it knows: before anything of the answer is handed on.
func (x *exchange) learn(ctx context.Context, answer *http.Response) error {
	text := answer.Header.Get(vaultrpc.HeaderPrints)
	answer.Header.Del(vaultrpc.HeaderPrints)
	if text == "" {
		return nil
	}
	count, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: reading how many values the job can touch", hotcell.ErrUnavailable)
	}
	patterns, err := x.gateway.knowing(ctx, count)
	if err == nil {
		x.inspect.expect(patterns, x.verdict)
	}
	return err
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
	sides := frames.Sides{Up: x.inspect.side(), Down: x.inspect.down(), Caught: border.Log(x.gateway.Config.Log)}
	if _, _, refused := frames.Join(client, upstream, sides); refused != nil {
		x.caught(refused.Match, "WebSocket")
	}
}

// plain hands on the answer of a host that does not change the protocol.
func (x *exchange) plain(w http.ResponseWriter, answer *http.Response) {
	if err := x.answer(answer); err != nil {
		x.fail(w, err)
		return
	}
	if _, err := relay.Answer(w, answer); err != nil {
		relay.Abort()
	}
}
