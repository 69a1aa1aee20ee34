package kms

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"hotcell/internal/value/sensitive"
)

// What a call may take and bring.
const (
	callTime   = 10 * time.Second
	maxMessage = 256 << 10
)

// wire does single requests to one key service, or to who gives credentials for it.
// Addresses are the operator's word, so private ones are dialled; a redirect is not
// followed, and no proxy is used.
type wire struct {
	client *http.Client
	// who is the service, as it is told.
	who string
}

func newWire(c Config, who string) *wire {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: callTime}).DialContext
	}
	return &wire{who: who, client: &http.Client{
		Timeout:       callTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dial, DisableCompression: true, ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second,
			TLSClientConfig: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		},
	}}
}

// answer is what a service said. Its body may hold a key: it is wiped after use.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) wipe() { sensitive.Wipe(a.body) }

// read decodes the body.
func (a *answer) read(into any) error {
	if err := json.Unmarshal(a.body, into); err != nil {
		return errors.New("its answer is not what its protocol says") // the error would quote it
	}
	return nil
}

// do sends a request and reads the whole answer; anything but that is [ErrUnavailable].
func (w *wire) do(r *http.Request) (*answer, error) {
	response, err := w.client.Do(r)
	if err != nil {
		return nil, w.silent(r.Context(), err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	switch {
	case err != nil:
		sensitive.Wipe(body)
		return nil, w.silent(r.Context(), err)
	case len(body) > maxMessage:
		sensitive.Wipe(body)
		return nil, fault(ErrUnavailable, "%s sent far more than an answer: is the address in key: the right one?", w.who)
	}
	return &answer{response.StatusCode, response.Header, body}, nil
}

// post sends JSON.
func (w *wire) post(ctx context.Context, address string, message any, header http.Header) (*answer, error) {
	text, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(text)
	return w.send(ctx, address, "application/json", text, header)
}

// form sends a form.
func (w *wire) form(ctx context.Context, address string, fields url.Values) (*answer, error) {
	return w.send(ctx, address, "application/x-www-form-urlencoded", []byte(fields.Encode()), nil)
}

func (w *wire) send(ctx context.Context, address, kind string, body []byte, header http.Header) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking %s: its address is not one", w.who)
	}
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", kind)
	return w.do(r)
}

// get asks for something.
func (w *wire) get(ctx context.Context, address string, header http.Header) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s: its address is not one", w.who)
	}
	maps.Copy(r.Header, header)
	return w.do(r)
}

// silent is the sentence for a service that did not answer.
func (w *wire) silent(ctx context.Context, err error) error {
	why := "the connection failed"
	var name *net.DNSError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var timeout net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case errors.As(err, &unknown):
		why = "no authority that this machine or egress.extra_ca knows vouches for its certificate"
	case errors.As(err, &host):
		why = "its certificate is for another host"
	case errors.As(err, &invalid):
		why = "its certificate does not hold, or not now: look at this machine's clock too"
	case errors.As(err, &name):
		why = "its name is not found"
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "the connection was refused"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		why = "it took too long"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		why = "it was cut off in the middle"
	}
	return fault(ErrUnavailable, "%s does not answer (%s): look at the network between and at the service's own state; it is tried again", w.who, why)
}

// saying is what a service's own word for an error means.
type saying struct {
	kind  error
	words string
}

// told is the sentence for an answer that is an error. Of what the service sent, it
// holds no more than the status: the rest is a stranger's text beside a key.
func (w *wire) told(status int, s saying) error {
	if s.kind == nil {
		s = ofStatus(status)
	}
	return fault(s.kind, "%s %s (it answered with %d)", w.who, s.words, status)
}

// ofStatus is what a status means where the service's own word is not known.
func ofStatus(status int) saying {
	switch {
	case status == http.StatusTooManyRequests:
		return saying{ErrUnavailable, wordsThrottled}
	case status >= 500:
		return saying{ErrUnavailable, "has a fault of its own: look at its state; it is tried again"}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return saying{ErrUnusable, wordsDenied}
	case status == http.StatusNotFound:
		return saying{ErrUnusable, wordsGone}
	case status >= 300 && status < 400:
		return saying{ErrUnusable, "sends elsewhere, which is not followed: set key: to where it really is"}
	}
	return saying{ErrUnusable, "does not take the request: compare key: with docs/keys.md"}
}

// What more than one service says.
const (
	wordsThrottled = "has had too many requests for now: raise its quota if this stays; it is tried again"
	wordsDenied    = "does not let this server use the key: compare its policy, and the credentials that the server was started with, with docs/keys.md"
	wordsGone      = "has no such key: if it was deleted, undo that while its time lasts; else compare key: with what the service lists"
	wordsDisabled  = "has the key disabled: enable it, and everything goes on by itself"
	wordsExpired   = "does not take the credentials that the server was started with, or not any more: renew them"
	wordsRefused   = "does not open what is stored here with this key: it was wrapped by another key, for another vault, or was changed"
	wordsUnfit     = "says that the key is of a kind that cannot do this: docs/keys.md names the kinds"
	wordsStrange   = "answered with something that is no answer: is the address in key: that of the service?"
)

// strange is the sentence for an answer of the wrong form.
func (w *wire) strange() error { return fault(ErrUnavailable, "%s %s", w.who, wordsStrange) }

// plainOnly says whether an address may be spoken to without TLS: this machine's own.
func plainOnly(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// endpoint is where a service is, unless the key's URL says so: https, or http on this
// machine's own loopback.
func endpoint(given, usual string) (string, error) {
	u, err := url.Parse(cmp.Or(given, usual))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !plainOnly(u)) {
		return "", errors.New("reading the key's URL: endpoint= is https:// and a host, or http:// on this machine's loopback")
	}
	return u.Scheme + "://" + u.Host, nil
}
