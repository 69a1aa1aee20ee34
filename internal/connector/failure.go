package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// failing is what in an answer is an error although its status is not.
type failing struct{ when, message, retry, unknown *text }

// maxMessage is how much of a service's own words an agent gets, in bytes.
const maxMessage = 2000

// maxWait bounds how long a service may tell an agent to wait.
const maxWait = time.Hour

// failure is the error of an answer that says no; nil for one that does not.
func (c *Connector) failure(ctx context.Context, a *Answer, body any, vars map[string]any) error {
	said, status := "", a.Status
	bad := a.Status < 200 || a.Status > 299
	retry := a.Status == http.StatusTooManyRequests || a.Status >= 500 && a.Status != http.StatusNotImplemented || a.Status == http.StatusRequestTimeout
	if f := c.errors; f != nil && f.when.holds(ctx, vars) {
		bad = true
		if v, err := f.message.value(ctx, vars); err == nil && v != nil {
			said, _ = plain(v)
		}
		retry = retry || f.retry.holds(ctx, vars)
		if f.unknown.holds(ctx, vars) {
			status = http.StatusUnauthorized // as services say it that use the status
		}
	}
	if !bad {
		return nil
	}
	if said == "" {
		said = message(body)
	}
	if said == "" {
		said = "it said no more than that"
	}
	out := &Failure{Status: status, Message: fmt.Sprintf("%s answered %d %s: %s", c.Name, a.Status, http.StatusText(a.Status), shortLine(said, maxMessage)), Retryable: retry}
	if retry {
		out.RetryAfter = retryAfter(a.Header)
	}
	return out
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

// retryAfter reads Retry-After (RFC 9110 section 10.2.3), bounded.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		if n > int(maxWait/time.Second) {
			return maxWait
		}
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		if sent, err := http.ParseTime(h.Get("Date")); err == nil && at.After(sent) {
			return min(at.Sub(sent), maxWait)
		}
	}
	return 0
}

// lenient reads an answer's JSON; of a key that is there twice it takes the last,
// as most readers do.
func lenient(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errJSON
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
