package connector

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"hotcell"
)

// Input is what a call is made with.
type Input struct {
	// Args are as [Tool.Check] returned them.
	Args               map[string]any
	Settings           map[string]string
	AccountID, Account string
	// Call names this call: the same for each time that it is made anew, and no
	// other's.
	Call string
	Now  time.Time
}

// Answer is what came of a request, without its credential.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Run is one call under way: its requests, one after the other, and its result.
// It belongs to one goroutine.
type Run struct {
	connector *Connector
	tool      *Tool
	account   *account
	settings  map[string]string
	vars      map[string]any
	now       time.Time

	at      int
	waiting string // the step whose answer is awaited; "" for none
	paging  *paging
	ended   bool
	last    *Answer
	plain   bool // the last answer was no JSON
	id      string
	name    string

	open    Opener
	deaths  int // readers that ended over a text
	reading *reading
}

type step struct {
	name    string
	when    *text
	request *request
}

// Begin begins a call.
func (t *Tool) Begin(c *Connector, in Input) *Run {
	return &Run{connector: c, tool: t, settings: in.Settings, vars: vars(in), now: in.Now}
}

func vars(in Input) map[string]any {
	settings := map[string]any{}
	for name, value := range in.Settings {
		settings[name] = value
	}
	args := in.Args
	if args == nil {
		args = map[string]any{}
	}
	return map[string]any{
		"args": args, "settings": settings, "steps": map[string]any{}, "clock": clock(in.Now), "items": []any{}, "more": false, "cursor": "",
		"account": map[string]any{"id": in.AccountID, "name": in.Account}, "call": map[string]any{"id": in.Call},
	}
}

// Next is the next request; nil where the call is over. Each is answered before
// the next one is asked for.
func (r *Run) Next(ctx context.Context) (out *Request, err error) {
	defer r.step(ctx)(&err)
	if r.ended {
		return nil, nil //nolint:nilnil // it is over
	}
	if r.paging != nil && r.paging.next != nil {
		return r.page(ctx, r.paging.next)
	}
	for r.at < len(r.tool.steps) {
		s := &r.tool.steps[r.at]
		r.at++
		if s.when != nil {
			v, err := s.when.value(ctx, r.vars)
			if err != nil {
				return nil, r.unmade(err)
			}
			if v != true {
				continue
			}
		}
		out, err := s.request.build(ctx, r.connector, r.settings, r.vars)
		if err != nil {
			return nil, r.unmade(err)
		}
		out.Safe = r.tool.Hint == hintRead
		r.waiting = s.name
		if r.at < len(r.tool.steps) {
			return out, nil
		}
		if r.raw() && out.Header.Get("Accept") == acceptJSON {
			out.Header.Set("Accept", "*/*")
		}
		if r.tool.pages == nil {
			return out, nil
		}
		return r.firstPage(ctx, out)
	}
	r.ended = true
	return nil, nil //nolint:nilnil // it is over
}

// unmade is why a request cannot be made: an argument does not fit, or what an
// earlier step got.
func (r *Run) unmade(err error) error {
	failure, ok := errors.AsType[*Failure](err)
	if ok && failure.Status == 0 && r.last != nil {
		return &Failure{Status: r.last.Status, Message: failure.Message + ": " + r.last.said()}
	}
	if ok || errors.Is(err, hotcell.ErrInvalid) {
		return err
	}
	if r.last != nil {
		return &Failure{Status: r.last.Status, Message: "the service's answer is not as it is described: " + r.last.said()}
	}
	return errValue
}

// raw says whether the result is the body of the answer that comes, as it is.
func (r *Run) raw() bool {
	return r.tool.content != nil && r.tool.content.raw && r.at == len(r.tool.steps)
}

// Answer takes the answer to the last request: a [*Failure] where the service
// says no.
func (r *Run) Answer(ctx context.Context, a *Answer) (err error) {
	defer r.step(ctx)(&err)
	r.last = a
	var body any = map[string]any{}
	if r.plain = false; !r.raw() || a.Status > 299 {
		if body, r.plain, err = bodyOf(a, r.reading.textIn); err != nil && a.Status <= 299 {
			return &Failure{Status: a.Status, Message: fmt.Sprintf("the answer of %s is not read: it is JSON that is %s", r.connector.Name, err)}
		}
	}
	r.vars["answer"], r.vars["status"], r.vars["headers"] = body, int64(a.Status), headersOf(a.Header)
	if err := r.failure(ctx, a, body); err != nil {
		return err
	}
	if steps, ok := r.vars["steps"].(map[string]any); ok && r.waiting != "" {
		steps[r.waiting] = body
	}
	r.waiting = ""
	if r.account != nil {
		return r.identified(ctx)
	}
	if r.paging != nil {
		return r.turn(ctx, a)
	}
	return nil
}

// shortLine is a text in one line, cut.
func shortLine(s string, most int) string {
	s = strings.ToValidUTF8(oneLine(s), "?")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// bodyOf reads an answer's body: what is no JSON is a map with its text. What
// says that it is text is not looked into. An error is JSON that is not read, of which
// the text is given too.
func bodyOf(a *Answer, text func(text []byte, charset string) string) (body any, isText bool, err error) {
	if len(a.Body) == 0 {
		return map[string]any{}, false, nil
	}
	kind, parameters, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	says := strings.HasSuffix(kind, "/json") || strings.HasSuffix(kind, "+json")
	if says || !strings.HasPrefix(kind, "text/") && (a.Body[0] == '{' || a.Body[0] == '[') {
		var v any
		if v, err = lenient(a.Body); err == nil {
			return v, false, nil
		}
		if errors.Is(err, errJSON) {
			err = nil
		}
	}
	return map[string]any{"text": text(a.Body, parameters["charset"])}, true, err
}

func headersOf(h http.Header) map[string]any {
	out := map[string]any{}
	for name, values := range h {
		out[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return out
}
