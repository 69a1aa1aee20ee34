package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"

	"hotcell"
)

// ErrNoServer says that nothing answers where the server should be.
var ErrNoServer = fmt.Errorf("%w: no server answers", hotcell.ErrUnavailable)

// TrustError says that what answers at a URL did not prove to be the server, or that it is
// none. Nothing that a request says was sent to it, save where Stranger is true. It is a
// [hotcell.ErrDenied].
type TrustError struct {
	// Server is the URL.
	Server string
	// Authority is true where its certificate is one of an authority that is not known here.
	Authority bool
	// Stranger is true where it answered, and not as Hotcell does.
	Stranger bool
	text     string
}

func (e *TrustError) Error() string { return e.text }

// Is makes every TrustError a [hotcell.ErrDenied].
func (e *TrustError) Is(target error) bool { return target == hotcell.ErrDenied }

// failure says why no answer came, without the request's URL, whose query may
// hold what somebody looks for.
func (c *Client) failure(ctx context.Context, err error) error {
	if whole, ok := errors.AsType[*url.Error](err); ok {
		err = whole.Err
	}
	op, network := errors.AsType[*net.OpError](err)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("asking the server: %w", ctx.Err())
	case c.remote:
		return c.unreached(err)
	case network && op.Op == "dial" && errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: the socket %s is another user's", hotcell.ErrDenied, c.name)
	case network && op.Op == "dial":
		return fmt.Errorf("%w at %s", ErrNoServer, c.name)
	}
	// Most often the connection was closed; net/http has several errors for that,
	// and not all have names.
	return fmt.Errorf("%w: the server gave no answer: %w", hotcell.ErrUnavailable, err)
}

// unreached says why a server at a URL was not reached, or gave no answer.
func (c *Client) unreached(err error) error {
	if told := c.unproven(err); told != nil {
		return told
	}
	slow, waits := errors.AsType[net.Error](err)
	op, network := errors.AsType[*net.OpError](err)
	name, unknown := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, hotcell.ErrDenied):
		return &TrustError{Server: c.name, text: c.name + " is not on this machine, and http is for this machine alone: nothing was sent"}
	case unknown && name.IsNotFound:
		return fmt.Errorf("%w at %s: there is no machine of that name", ErrNoServer, c.name)
	case network && op.Op == "proxyconnect":
		return fmt.Errorf("%w: the proxy of this machine's environment (HTTPS_PROXY) does not lead to %s: %w", hotcell.ErrUnavailable, c.name, op.Err)
	case waits && slow.Timeout():
		return fmt.Errorf("%w: the server at %s did not answer in time", hotcell.ErrUnavailable, c.name)
	case network && op.Op == "dial":
		return fmt.Errorf("%w at %s", ErrNoServer, c.name)
	}
	return fmt.Errorf("%w: the server at %s gave no answer: %w", hotcell.ErrUnavailable, c.name, err)
}

// unproven says why a server did not prove to be the one of its URL; nil where that is
// not the reason.
func (c *Client) unproven(err error) error {
	told := &TrustError{Server: c.name}
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	invalid, dated := errors.AsType[x509.CertificateInvalidError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case authority:
		told.Authority = true
		told.text = "the certificate of the server at " + c.name + " was made by an authority that this machine does not know: nothing was sent"
	case name:
		told.text = "the certificate of the server at " + c.name + " is one for another name: nothing was sent"
	case dated && invalid.Reason == x509.Expired:
		told.text = "the certificate of the server at " + c.name + " has expired or is not valid yet, or the clock of this machine is wrong: nothing was sent"
	case certificate:
		told.text = "the certificate of the server at " + c.name + " is not good: nothing was sent: " + err.Error()
	case record || errors.Is(err, http.ErrSchemeMismatch):
		told.text = "what answers at " + c.name + " does not speak TLS: nothing was sent"
	default:
		return nil
	}
	return told
}

// ours says whether an answer is one of Hotcell's: by the id that each of them has, or
// by its type, where a proxy has put an id of its own there.
func ours(answer *http.Response) bool {
	if strings.HasPrefix(answer.Header.Get("X-Request-Id"), hotcell.PrefixRequest+"_") {
		return true
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch kind {
	case "application/json", "application/problem+json", "application/x-tar", "text/event-stream":
		return answer.StatusCode/100 != 3
	}
	return answer.StatusCode == http.StatusNoContent
}

// stranger says what an answer is that is none of Hotcell's.
func (c *Client) stranger(answer *http.Response) error {
	switch answer.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("%w: a proxy before the server at %s says that the server does not answer (%d)", hotcell.ErrUnavailable, c.name, answer.StatusCode)
	}
	told := &TrustError{Server: c.name, Stranger: true, text: fmt.Sprintf("what answers at %s is no Hotcell server: it answered %d with a page of its own", c.name, answer.StatusCode)}
	if to, err := answer.Location(); err == nil && answer.StatusCode/100 == 3 {
		told.text = fmt.Sprintf("what answers at %s leads to %s, where nothing was sent", c.name, to.Scheme+"://"+to.Host)
	}
	return told
}
