package oauth

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/text/words"
	"hotcell/internal/value/guard"
)

// Kind is what a fault means for what was asked.
type Kind int

// The kinds.
const (
	// Unavailable: it was not done, and may be later.
	Unavailable Kind = iota
	// Ambiguous: it may have been done; the answer did not come, or made no sense.
	Ambiguous
	// Revoked: the grant is no more (invalid_grant).
	Revoked
	// Refused: the service refuses the request or the client.
	Refused
	// Waiting: a person has not decided yet (RFC 8628).
	Waiting
)

// Fault is a request to an authorisation server that failed.
type Fault struct {
	Kind Kind
	// Code is the error of RFC 6749 section 5.2, or what stands for it; it holds
	// nothing else of the answer.
	Code string
	// Status is the answer's, where it was that which failed.
	Status int
	// After is when it may be tried again, where the service says so.
	After time.Duration
	// Said is what the server says of it beside, in one line, where it repeats nothing of
	// what it was sent.
	Said string
	// described is the same as it came.
	described string
}

// maxSaidOf bounds what is told of a server's words, in characters.
const maxSaidOf = 300

// public are the fields of a form that may be told.
var public = []string{"grant_type", "scope", "resource", "redirect_uri", "client_id"}

// repeatable takes what a server says of its fault as told, where it repeats nothing that
// was sent to it: nor a part of it, nor in another form. Where that cannot be looked for,
// nothing is.
func (f *Fault) repeatable(c Client, form url.Values) *Fault {
	builder := guard.NewBuilder().WithParts()
	add := func(value []byte) error {
		if len(value) == 0 {
			return nil
		}
		return builder.Add(guard.Label{ID: "sent", Name: "sent"}, value)
	}
	if f.described == "" || c.Secret.Len() > 0 && c.Secret.Use(add) != nil {
		return f
	}
	for name, values := range form {
		for _, value := range values {
			if !slices.Contains(public, name) && add([]byte(value)) != nil {
				return f
			}
		}
	}
	if !builder.Build().Contains([]byte(f.described)) {
		f.Said = words.Line(f.described, maxSaidOf)
	}
	return f
}

func (f *Fault) Error() string {
	if f.Code != "" {
		text := "the authorisation server answered " + f.Code
		if f.Said != "" {
			text += ": " + f.Said
		}
		return text
	}
	return "the authorisation server does not answer"
}

// Is makes a fault what callers decide on.
func (f *Fault) Is(target error) bool {
	switch f.Kind {
	case Revoked:
		return target == hotcell.ErrNeedsReconnect
	case Refused:
		return target == hotcell.ErrDenied
	case Unavailable, Ambiguous, Waiting:
	}
	return target == hotcell.ErrUnavailable
}

// outgoing is a form on its way out. Nothing of it leaves before it is first read,
// which is when there is a connection, and the other side has shown who it is.
type outgoing struct {
	io.Reader
	may  func() error
	left atomic.Bool
}

// Read implements [io.Reader].
func (o *outgoing) Read(p []byte) (int, error) {
	if !o.left.Load() {
		if o.may != nil {
			if err := o.may(); err != nil {
				return 0, err
			}
		}
		o.left.Store(true)
	}
	return o.Reader.Read(p)
}

// Close implements [io.Closer].
func (o *outgoing) Close() error { return nil }

// unanswered says whether a form that brought no answer may have arrived.
func (o *outgoing) unanswered() *Fault {
	if o.left.Load() {
		return &Fault{Kind: Ambiguous}
	}
	return &Fault{Kind: Unavailable}
}

// failed reads the error of an answer. What a gateway says for the server, or the
// server of a fault of its own, says nothing on whether it was done: only too many
// requests, and that it is closed for a while, are said before.
func failed(ctx context.Context, a *connector.Auth, status int, header http.Header, body []byte, now time.Time) *Fault {
	f := &Fault{Status: status, Code: fmt.Sprintf("the status %d", status), After: after(header, now)}
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && header.Get("Retry-After") != "":
		f.Kind = Unavailable
		return f
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout:
		f.Kind = Ambiguous
		return f
	}
	f.Kind = Refused
	if status/100 == 3 {
		f.Code = "a redirect, which is not followed"
	} else if read, err := a.ReadToken(ctx, body); err == nil && read.Error != "" {
		f.Kind, f.Code, f.described = kindOf(read.Error), read.Error, read.Description
	}
	return f
}

// kindOf says what an error code means for the grant (RFC 6749 section 5.2,
// RFC 8628 section 3.5, and what services have beside).
func kindOf(code string) Kind {
	switch code {
	case "invalid_grant", "token_revoked", "invalid_refresh_token", "token_expired", "bad_refresh_token":
		return Revoked
	case "temporarily_unavailable", "service_unavailable", "ratelimited", "rate_limited", "slow_down_requests":
		return Unavailable
	case "server_error", "internal_error", "fatal_error", "request_timeout":
		return Ambiguous // some services say of these that a part may have been done
	case "authorization_pending", "slow_down":
		return Waiting
	}
	return Refused
}

// after is when it may be tried again, a minute at most.
func after(h http.Header, now time.Time) time.Duration {
	return min(connector.RetryAfter(h, now), time.Minute)
}
