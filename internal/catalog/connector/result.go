package connector

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"hotcell/internal/text/words"
)

// maxResult is how large a result may be, in bytes.
const maxResult = 256 << 10

// maxFile is how large a file within a result may be, in bytes.
const maxFile = 8 << 20

// Result is what an agent gets of a call.
type Result struct {
	JSON    json.RawMessage
	Content []Content
	// Cut is true where there was more than a result may have.
	Cut bool
}

// Content is a piece of a result that is no JSON. Kind is "text", "image",
// "audio" or "file".
type Content struct {
	Kind, Text string
	Data       []byte
	Type, Name string
}

// content is how a file is found in an answer.
type content struct {
	kind, base64, text, name *text
	// raw is true where the file is the answer's body as it came.
	raw bool
}

// Result is the result of a call that is over.
func (r *Run) Result(ctx context.Context) (out *Result, err error) {
	defer r.step(ctx)(&err)
	return r.result(ctx)
}

func (r *Run) result(ctx context.Context) (*Result, error) {
	if r.last == nil {
		return &Result{JSON: json.RawMessage("{}")}, nil
	}
	if c := r.tool.content; c != nil {
		return r.file(ctx, c)
	}
	if r.tool.result == nil && r.paging == nil && !r.plain && len(r.last.Body) > 0 {
		return cut(r.last.Body), nil
	}
	if r.tool.result == nil && r.paging == nil && !utf8.Valid(r.last.Body) && charsetIn(r.last.Header) == "" {
		return r.given(r.last.Body, r.last.Header.Get("Content-Type"), "")
	}
	v := r.vars["answer"]
	if r.tool.result != nil {
		var err error
		if v, err = r.tool.result.eval(ctx, r.vars); err != nil {
			return nil, &Failure{Status: r.last.Status, Message: "the service's answer is not as it is described: " + r.last.said()}
		}
	}
	if r.paging != nil {
		v = r.listed(v)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(safe(v)); err != nil {
		return nil, fmt.Errorf("writing a result: %w", err)
	}
	return cut(bytes.TrimSuffix(out.Bytes(), []byte("\n"))), nil
}

// safe writes bytes within a value as base64, as JSON has them.
func safe(v any) any {
	switch v := v.(type) {
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case map[string]any:
		for k, one := range v {
			v[k] = safe(one)
		}
	case []any:
		for i, one := range v {
			v[i] = safe(one)
		}
	}
	return v
}

// cut keeps a result within its bound: what is too long becomes text, and says so.
func cut(text []byte) *Result {
	if len(text) <= maxResult {
		return &Result{JSON: text}
	}
	short := text[:maxResult]
	for !utf8.Valid(short) {
		short = short[:len(short)-1]
	}
	said := fmt.Sprintf("%s\n… cut: the result has %d bytes, and at most %d are given. Ask for less: a narrower query, fewer items.", short, len(text), maxResult)
	return &Result{Content: []Content{{Kind: "text", Text: said}}, Cut: true}
}

func (r *Run) file(ctx context.Context, c *content) (*Result, error) {
	kind, err := "", error(nil)
	if c.kind != nil {
		kind, err = c.kind.string(ctx, r.vars, same)
	}
	if (err != nil || kind == "") && c.raw {
		kind = r.last.Header.Get("Content-Type")
	}
	if err != nil {
		kind = ""
	}
	name := ""
	if c.name != nil {
		if name, err = c.name.string(ctx, r.vars, same); err != nil {
			name = ""
		}
	}
	data, err := r.data(ctx, c)
	if err != nil {
		return nil, &Failure{Status: r.last.Status, Message: "there is no such content"}
	}
	return r.given(data, kind, shortLine(name, maxIdentity))
}

// given is a file in its bounds, of a type that it may be of.
func (r *Run) given(data []byte, kind, name string) (*Result, error) {
	if len(data) > maxFile {
		return nil, &Failure{Status: r.last.Status, Message: fmt.Sprintf("the file has %d bytes, and at most %d are given", len(data), maxFile)}
	}
	if _, _, err := mime.ParseMediaType(kind); err != nil {
		kind = "application/octet-stream"
	}
	return r.contentOf(data, kind, name), nil
}

func charsetIn(h http.Header) string {
	_, parameters, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return parameters["charset"]
}

// contentOf is a file as an agent gets it: text as text, whatever its charset.
func (r *Run) contentOf(data []byte, kind, name string) *Result {
	bare, parameters, _ := mime.ParseMediaType(kind)
	one := Content{Kind: "file", Data: data, Type: bare, Name: name}
	family, _, _ := strings.Cut(bare, "/")
	said := parameters["charset"]
	switch {
	case family == "image" && !strings.HasSuffix(bare, "xml") || family == "audio":
		one.Kind = family
	case (family == "text" || strings.Contains(bare, "json") || strings.Contains(bare, "xml")) && (utf8.Valid(data) || said != ""):
		one.Kind, one.Text, one.Data = "text", r.reading.textIn(data, said), nil
		if len(one.Text) > maxResult {
			return cut([]byte(one.Text))
		}
	}
	return &Result{Content: []Content{one}}
}

func (r *Run) data(ctx context.Context, c *content) ([]byte, error) {
	switch {
	case c.raw:
		return r.last.Body, nil
	case c.text != nil:
		s, err := c.text.string(ctx, r.vars, same)
		return []byte(s), err
	}
	return r.coded(ctx, c.base64)
}

// coded reads base64 in either alphabet.
func (r *Run) coded(ctx context.Context, t *text) ([]byte, error) {
	v, err := t.value(ctx, r.vars)
	if err != nil {
		return nil, err
	}
	if b, ok := v.([]byte); ok {
		return b, nil
	}
	out, err := unbase64url(v)
	b, _ := out.([]byte)
	return b, err
}

// said is what came, in a few words: its type, and its first line.
func (a *Answer) said() string {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if kind == "" {
		kind = "of no type"
	}
	if len(a.Body) == 0 {
		return "it is empty (" + words.Name(kind) + ")"
	}
	if json.Valid(a.Body) { // which may lead to places that nobody is to be told of
		return "it is " + words.Name(kind)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(a.Body[:min(len(a.Body), maxIdentity*4)])), "\n")
	return fmt.Sprintf("it is %s, and begins with %q", words.Name(kind), words.Line(first, maxIdentity))
}
