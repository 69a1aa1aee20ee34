package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hotcell/internal/wire/measure"
)

// failing is what in an answer is an error although its status is not, and how
// an error is to be read.
type failing struct{ when, message, retry, wait, unknown *text }

// maxMessage is how much of a service's own words an agent gets, in bytes.
const maxMessage = 2000

// maxWait bounds how long a service may tell an agent to wait.
const maxWait = time.Hour

// failure is the error of an answer that says no; nil for one that does not.
// What the tool says of errors goes before what its connector says.
func (r *Run) failure(ctx context.Context, a *Answer, body any) error {
	c, after := r.connector, RetryAfter(a.Header, r.now)
	out := &Failure{Status: a.Status, Retryable: again(a.Status, after), RetryAfter: after}
	bad, said := a.Status < 200 || a.Status > 299, ""
	for _, f := range []*failing{r.tool.errors, c.errors} {
		if f == nil {
			continue
		}
		its := f.when.holds(ctx, r.vars)
		if bad = bad || its; !bad {
			continue
		}
		if said == "" && (its || f.when == nil) {
			said = f.said(ctx, r.vars)
		}
		out.Retryable = out.Retryable || f.retry.holds(ctx, r.vars)
		if wait := f.waits(ctx, r.vars); wait > 0 && out.Retryable {
			out.RetryAfter = wait
		}
		if f.unknown.holds(ctx, r.vars) {
			out.Status = http.StatusUnauthorized // as services say it that use the status
		}
	}
	if !bad {
		return nil
	}
	if said == "" {
		said = message(body)
	}
	if said == "" {
		said = a.came()
	}
	said += out.hints(a.Header, r.now)
	if !out.Retryable {
		out.RetryAfter = 0
	}
	out.Message = fmt.Sprintf("%s answered %d %s: %s", c.Name, a.Status, http.StatusText(a.Status), shortLine(said, maxMessage))
	return out
}

// again says whether an answer's status says that the call may be tried again.
func again(status int, after time.Duration) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
		return true
	case http.StatusForbidden: // a limit, where it says when
		return after > 0
	}
	return status >= 500 && status != http.StatusNotImplemented
}

func (f *failing) said(ctx context.Context, vars map[string]any) string {
	if f.message == nil {
		return ""
	}
	v, err := f.message.value(ctx, vars)
	if err != nil || v == nil {
		return ""
	}
	s, err := plain(v)
	if err != nil {
		return ""
	}
	return s
}

// waits is how long to wait, of a number of seconds.
func (f *failing) waits(ctx context.Context, vars map[string]any) time.Duration {
	if f.wait == nil {
		return 0
	}
	v, err := f.wait.value(ctx, vars)
	if err != nil {
		return 0
	}
	return min(life(v), maxWait)
}

// holds says whether a text is one expression that is true; nil is not.
func (t *text) holds(ctx context.Context, vars map[string]any) bool {
	if t == nil {
		return false
	}
	v, err := t.value(ctx, vars)
	return err == nil && v == true
}

// message finds what a service says of an error, in the usual places: RFC 9457,
// RFC 6749, and what most APIs do.
func message(body any) string {
	m, ok := body.(map[string]any)
	if !ok {
		return ""
	}
	for _, key := range []string{"detail", "error_description", "message", "error_message", "title", "errorMessage"} {
		if s, ok := m[key].(string); ok && s != "" {
			return s
		}
	}
	switch e := m["error"].(type) {
	case string:
		return e
	case map[string]any:
		if s := message(e); s != "" {
			return s
		}
		for _, key := range []string{"code", "status", "type"} {
			if s, ok := e[key].(string); ok {
				return s
			}
		}
	}
	if list, ok := m["errors"].([]any); ok && len(list) > 0 {
		if s, ok := list[0].(string); ok {
			return s
		}
		return message(list[0])
	}
	if s, ok := m["text"].(string); ok && !strings.HasPrefix(strings.TrimSpace(s), "<") {
		return s
	}
	return ""
}

// Refusal is what an answer says whose service has no document of its errors.
func Refusal(name string, a *Answer, now time.Time) *Failure {
	after := RetryAfter(a.Header, now)
	out := &Failure{Status: a.Status, Retryable: again(a.Status, after), RetryAfter: after}
	body, err := lenient(a.Body)
	said := ""
	if err == nil {
		said = message(body)
	}
	if said == "" {
		said = a.came()
	}
	said += out.hints(a.Header, now)
	if !out.Retryable {
		out.RetryAfter = 0
	}
	out.Message = fmt.Sprintf("%s answered %d %s: %s", name, a.Status, http.StatusText(a.Status), shortLine(said, maxMessage))
	return out
}

// RetryAfter reads Retry-After (RFC 9110 section 10.2.3), bounded to an hour; 0 where it
// says nothing. Seconds may be broken, as some services write them, or milliseconds in a
// header of their own. A time is held against the service's own clock, else against ours.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if d := lasting(h.Get("Retry-After-Ms"), time.Millisecond); d > 0 {
		return d
	}
	text := strings.TrimSpace(h.Get("Retry-After"))
	if d := lasting(text, time.Second); d > 0 {
		return d
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return max(min(at.Sub(now), maxWait), 0)
}

// lasting reads a number of units, bounded to an hour; 0 for what is no sensible one.
func lasting(text string, unit time.Duration) time.Duration {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || !(n > 0) { // NaN too
		return 0
	}
	return time.Duration(min(n, float64(maxWait/unit)) * float64(unit))
}

// bounds are what a stranger's JSON may be: its depth is that of arguments too, and the
// weight is room for any answer in its size but one made of next to nothing but brackets.
var bounds = measure.Limits{Depth: maxDepth, Weight: 128 << 20}

// lenient reads an answer's JSON within bounds, else it is [measure.ErrDeep] or
// [measure.ErrHeavy]; of a key that is there twice it takes the last, as most readers do.
func lenient(text []byte) (any, error) { return lenientIn(text, bounds) }

func lenientIn(text []byte, within measure.Limits) (any, error) {
	if err := measure.JSON(text, within); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON // more than one value: not to be cut to the first
	}
	return integers(v), nil
}

func integers(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, err := number(v)
		if err != nil {
			return v.String()
		}
		return n
	case map[string]any:
		for k, one := range v {
			v[k] = integers(one)
		}
	case []any:
		for i, one := range v {
			v[i] = integers(one)
		}
	}
	return v
}
