package courier

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/wire/coding"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/wire/scrub"
)

// read reads an answer within its bounds. The reason phrase and the trailers
// are left behind, and values are gone from the rest.
func (t *trip) read(ctx context.Context, from *url.URL, came *http.Response) (*connector.Answer, error) {
	if came.StatusCode >= http.StatusMultipleChoices && came.StatusCode < http.StatusBadRequest {
		return nil, &connector.Failure{Status: came.StatusCode, Message: "the service sends the request on " + elsewhere(from, came.Header.Get("Location")) + ", which is not followed"}
	}
	decoded, err := unpacked(came)
	if err != nil {
		return nil, &connector.Failure{Status: came.StatusCode, Message: "the service answers in a coding that was not asked for"}
	}
	most := min(t.Limits.Page, t.Limits.Call-t.Size)
	body, err := t.take(ctx, decoded, most)
	if err == nil {
		err = ctx.Err() // what ends as the time does may look whole
	}
	if err != nil {
		t.Lost = t.changed
		return nil, t.broken(ctx, err)
	}
	if int64(len(body)) > most {
		return nil, &connector.Failure{Status: came.StatusCode, Message: fmt.Sprintf("the service answers with more than %d MiB at once, or %d MiB in all: ask for less", t.Limits.Page>>20, t.Limits.Call>>20)}
	}
	t.Size += int64(len(body))
	scrub.HeaderCounted(came.Header, t.patterns, t.told)
	return &connector.Answer{Status: came.StatusCode, Header: came.Header, Body: t.clean(body)}, nil
}

// acceptCoding is the one coding that services are asked for: the fewer readers of what
// strangers pack there are beside a key, the better.
const acceptCoding = "gzip"

// unpacked is an answer's body without its coding; an error where that is another one.
func unpacked(came *http.Response) (io.Reader, error) {
	header := strings.Join(came.Header.Values("Content-Encoding"), ",")
	names, err := coding.Names(header)
	if err != nil {
		return nil, err
	}
	if len(names) > 1 || len(names) == 1 && names[0] != acceptCoding && names[0] != "x-"+acceptCoding {
		return nil, coding.ErrUnknown
	}
	return coding.Decode(came.Body, header)
}

// clean is a text without the connection's values.
func (t *trip) clean(text []byte) []byte {
	if !t.patterns.Contains(text) {
		return text
	}
	return t.redact(text)
}

// redact takes values out, and tells of it.
func (t *trip) redact(text []byte) []byte {
	var out bytes.Buffer
	w := t.patterns.Writer(&out, nil)
	w.Tell(t.told)
	_, _ = w.Write(text) // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}

// scrub looks at a result once more: what the document's expressions decoded
// was not to be seen in the answer.
func (t *trip) scrub(result *connector.Result) {
	if result == nil {
		return
	}
	if t.patterns.Contains(result.JSON) {
		text := t.redact(result.JSON)
		if !json.Valid(text) {
			text, _ = json.Marshal(string(text)) // a string is always JSON
		}
		result.JSON = text
	}
	for i := range result.Content {
		c := &result.Content[i]
		c.Text, c.Name, c.Type = string(t.clean([]byte(c.Text))), string(t.clean([]byte(c.Name))), string(t.clean([]byte(c.Type)))
		c.Data = t.clean(c.Data)
	}
}

// plain makes of an error one that may be told: what a service says is without
// the connection's values.
func (t *trip) plain(err error) error {
	if failure, ok := errors.AsType[*connector.Failure](err); ok {
		told := *failure
		told.Message = string(t.clean([]byte(told.Message)))
		return &told
	}
	return err
}

// unanswered says why no answer came, without an address.
func (t *trip) unanswered(ctx context.Context, err error) error {
	if blocked, ok := errors.AsType[*netguard.Refused](err); ok {
		t.Lost = false
		return fmt.Errorf("%w: the service may not be reached: %s", hotcell.ErrDenied, blocked.Reason)
	}
	if errors.Is(err, hotcell.ErrDenied) {
		t.Lost = false
		return fmt.Errorf("%w: the service's address may not be dialled", hotcell.ErrDenied)
	}
	if errors.Is(err, hotcell.ErrUnavailable) { // the dialer's: nothing was sent
		t.Lost = false
		return fmt.Errorf("%w: the service cannot be reached", hotcell.ErrUnavailable)
	}
	return t.broken(ctx, err)
}

// ErrLost is a call of which nobody knows whether it was done: it was sent, and
// no answer came. It is a [hotcell.ErrUnavailable], not to be tried again unseen.
var ErrLost = fmt.Errorf("%w: it is not known whether the call was done", hotcell.ErrUnavailable)

// broken says what became of a request or an answer that broke off: never the
// error's text, which may hold parts of the request.
func (t *trip) broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	what := "the connection to the service broke off"
	timeout, is := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || is && timeout.Timeout():
		what = "the service did not answer in time"
	case certificate(err):
		t.Lost = false
		what = "the service's certificate does not hold"
	}
	if t.Lost {
		return fmt.Errorf("%w: %s", ErrLost, what)
	}
	return fmt.Errorf("%w: %s", hotcell.ErrUnavailable, what)
}

func certificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}
