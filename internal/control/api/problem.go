package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
)

// Problem is an error as RFC 9457 has it. It never holds what was sent.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Instance names this one refusal, by the request's id.
	Instance  string `json:"instance,omitempty"`
	Code      string `json:"code"`
	RequestID string `json:"request_id,omitempty"`
	// Current is the revision to read, where the one that was given is stale.
	Current int             `json:"current,omitempty"`
	Errors  []ProblemDetail `json:"errors,omitempty"`
	// Operation is what is to be confirmed before the request is sent again.
	Operation *hotcell.Operation `json:"operation,omitempty"`
}

// ProblemDetail names a part of the request, by a JSON pointer, and the rule.
type ProblemDetail struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders implements huma.HeadersError: a stale change is told the ETag to
// send instead.
func (p *Problem) GetHeaders() http.Header {
	if p.Current == 0 {
		return nil
	}
	return http.Header{"Etag": {etag(p.Current)}}
}

// of says which request the problem is of.
func (p *Problem) of(id string) *Problem {
	if id != "" {
		p.RequestID, p.Instance = id, "urn:hotcell:request:"+id
	}
	return p
}

// kinds is the one table from sentinels to what the outside sees.
var kinds = []struct {
	sentinel error
	status   int
	code     string
	title    string
}{
	{hotcell.ErrNotFound, http.StatusNotFound, "not_found", "Not found"},
	{hotcell.ErrSignIn, http.StatusUnauthorized, "sign_in", "Sign in"},
	{hotcell.ErrDenied, http.StatusForbidden, "denied", "Denied"},
	{hotcell.ErrConfirm, http.StatusForbidden, "confirm", "To be confirmed"},
	{hotcell.ErrStale, http.StatusPreconditionFailed, "stale", "Changed meanwhile"},
	{hotcell.ErrConflict, http.StatusConflict, "conflict", "Conflict"},
	{hotcell.ErrInvalid, http.StatusUnprocessableEntity, "invalid", "Invalid"},
	{hotcell.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "Unavailable"},
	{hotcell.ErrNeedsReconnect, http.StatusConflict, "needs_reconnect", "Needs to be reconnected"},
	{hotcell.ErrRateLimited, http.StatusTooManyRequests, "rate_limited", "Too many requests"},
	{hotcell.ErrTampered, http.StatusInternalServerError, "tampered", "Stored data was altered"},
}

// statuses are for errors that HTTP itself has: code, title and a sentence.
var statuses = map[int][3]string{
	http.StatusBadRequest:            {"bad_request", "Bad request", "the request cannot be read: is its body there, and JSON?"},
	http.StatusMethodNotAllowed:      {"method_not_allowed", "Method not allowed", "this cannot be asked by this method"},
	http.StatusNotAcceptable:         {"not_acceptable", "Not acceptable", "answers are JSON"},
	http.StatusRequestTimeout:        {"timeout", "Too slow", "the request did not come whole in time"},
	http.StatusRequestEntityTooLarge: {"too_large", "Too large", "a request has at most 2 MiB"},
	http.StatusUnsupportedMediaType:  {"unsupported_media_type", "Unsupported media type", "a request is application/json"},
	http.StatusUnprocessableEntity:   {"invalid", "Invalid", ""},
	http.StatusPreconditionRequired:  {"precondition_required", "If-Match is required", ""},
	http.StatusNotFound:              {"not_found", "Not found", "not found"},
}

// problemOf is an error as the outside may see it.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	for _, k := range kinds {
		if !errors.Is(err, k.sentinel) {
			continue
		}
		p := newProblem(k.status, k.code, k.title, err.Error())
		if stale, ok := errors.AsType[*hotcell.StaleError](err); ok {
			p.Current = stale.Current
		}
		if confirm, ok := errors.AsType[*hotcell.ConfirmError](err); ok {
			p.Operation = &confirm.Operation
		}
		if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
			p.Detail = field.Error()
			p.Errors = []ProblemDetail{{field.Pointer, field.Reason}}
		}
		return p
	}
	return newProblem(http.StatusInternalServerError, "internal", "Internal error", internal)
}

// internal is all that the outside is told of what is nobody's fault there.
const internal = "internal error; the server's log has more under this request's id"

func newProblem(status int, code, title, detail string) *Problem {
	return &Problem{Type: "https://hotcell.dev/problems/" + code, Title: title, Status: status, Detail: detail, Code: code}
}

var once sync.Once

// useProblems puts our problems in the place of huma's, whose 422 repeats what
// was sent, and has names of fields taken in their own case only. Huma has one place
// for either, for the whole process.
func useProblems() {
	once.Do(func() {
		// Another reader of the same request would not see a field by another case.
		huma.ValidateStrictCasing = true
		huma.NewError = func(status int, _ string, errs ...error) huma.StatusError { return fromHuma(status, errs) }
		huma.NewErrorWithContext = func(hc huma.Context, status int, _ string, errs ...error) huma.StatusError {
			return fromHuma(status, errs).of(requestID(hc.Context()))
		}
	})
}

// fromHuma keeps of huma's findings only what the description says, and nothing
// of what was sent.
func fromHuma(status int, errs []error) *Problem {
	words, known := statuses[status]
	if !known {
		words = statuses[http.StatusUnprocessableEntity]
		if status >= http.StatusInternalServerError {
			words = [3]string{"internal", "Internal error", internal}
		}
	}
	p := newProblem(status, words[0], words[1], words[2])
	for _, err := range errs {
		if own, ok := errors.AsType[*Problem](err); ok {
			return own
		}
		d := ProblemDetail{Detail: "this part of the request does not have the form that /openapi.json describes"}
		if detail, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			d.Pointer = pointer(detail.Location)
			detail.Value = nil // huma keeps its findings in a pool, with what was sent
			switch {
			case expected.MatchString(detail.Message), ownSentence(detail.Message):
				d.Detail = detail.Message
			case detail.Message == "unexpected property":
				d.Detail = "there is a property here that does not exist"
			case detail.Message == "unknown query parameter":
				d.Detail = "there is a parameter here that does not exist"
			}
		}
		p.Errors = append(p.Errors, d)
	}
	if len(p.Errors) > 0 {
		p.Detail = p.Errors[0].Detail
		if at := p.Errors[0].Pointer; at != "" {
			p.Detail = strings.ReplaceAll(strings.TrimPrefix(at, "/"), "/", ".") + ": " + p.Detail
		}
	}
	return p
}

// expected are huma's sentences that are made of the description alone.
var expected = regexp.MustCompile(`^expected (boolean|number|integer|string|array|object|length [<>]= \d+|number [<>]=? [\d.]+|required property [a-z_]+ to be present|value to be one of "[a-z, ]+"|array length [<>]= \d+)$`)

// parts are the names that the description has; others were made up by the caller.
var parts = regexp.MustCompile(`^(body|path|query|header|name|service|shared|variables|values|sealed|set|unset|rename|replace|work|command|instructions|external|ttl|trial|files|digest|size|allow|host|port|protocol|limits|timeout|memory|disk|pids|cpu|environment|credential|as|arguments|id|limit|after|before|kind|decision|member|job|assignment|ascending|state|folders|outputs|destroy|what|compromised|question|message|device|role|for|time|scopes|all|revision|\d+)$`)

// pointer makes a JSON pointer of huma's location, as far as its names are ours.
func pointer(location string) string {
	location = strings.NewReplacer("[", ".", "]", "").Replace(location)
	var out strings.Builder
	for i, part := range strings.Split(location, ".") {
		if !parts.MatchString(part) {
			break
		}
		if i > 0 || part != "body" {
			out.WriteString("/" + part)
		}
	}
	return out.String()
}

// refuse answers with an error, outside of huma; one that is nobody's fault
// outside goes to the log.
func (s *service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.tell(r.Context(), method(r), err)
	writeProblem(w, r, err)
}

// tell logs an error that the outside is told nothing of. A caller who has left
// is none.
func (s *service) tell(ctx context.Context, operation string, err error) {
	if problemOf(err).Status == http.StatusInternalServerError && ctx.Err() == nil {
		s.Log.Error("a request failed", "request", requestID(ctx), "operation", operation, "error", err)
	}
}

func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err).of(requestID(r.Context()))
	w.Header().Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110, section 15.5.2
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
