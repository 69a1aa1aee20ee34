package place

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"strings"
)

// Form is how a body holds fields.
type Form string

// The forms; None of a body that holds none.
const (
	None      Form = ""
	URLForm   Form = "form"
	Multipart Form = "multipart"
	JSON      Form = "json"
)

// Field is one field of a body: what it is called, and where its value stands.
type Field struct {
	// Name is as [Place] has it; a dot within a name of JSON is written \. there.
	Name string
	// From and To are where the value is in the body, quotes and all.
	From, To int
	// Text is the value as it is meant.
	Text string
}

// ErrUnread is a body whose fields cannot be read in one way only.
var ErrUnread = errors.New("the body's fields cannot be read in one way only")

// FormOf says how a body holds fields, by what it says that it is; boundary is
// that of a multipart body. A body that says nothing, or that it is text, may
// still be read as JSON by who gets it: [Fields] looks whether it is.
func FormOf(contentType string) (form Form, boundary string) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind, _, _ = strings.Cut(strings.ToLower(contentType), ";")
		kind = strings.TrimSpace(kind)
	}
	switch {
	case kind == "application/x-www-form-urlencoded":
		return URLForm, ""
	case strings.HasPrefix(kind, "multipart/"):
		return Multipart, parameters["boundary"]
	case kind == "application/json" || strings.HasSuffix(kind, "+json") || kind == "text/json" || kind == "application/csp-report":
		return JSON, ""
	}
	return None, ""
}

// Unsaid says whether a body that is said to hold no fields may still be read as
// if it held some: it says nothing, or that it is text.
func Unsaid(contentType string) bool {
	kind := strings.ToLower(strings.TrimSpace(contentType))
	return kind == "" || strings.HasPrefix(kind, "text/")
}

// loosely says whether a body is of a kind that frameworks take for JSON by a part of
// its name.
func loosely(contentType string) bool { return strings.Contains(strings.ToLower(contentType), "json") }

// Fields reads those fields of a body whose names are wanted, as one who gets it
// would: of JSON, those at most four names deep.
func Fields(body []byte, contentType string, wanted func(name string) bool) (form Form, fields []Field, err error) {
	form, boundary := FormOf(contentType)
	_, parameters, _ := mime.ParseMediaType(contentType)
	if charset := strings.ToLower(parameters["charset"]); charset != "" && charset != "utf-8" && charset != "utf8" && charset != "us-ascii" && charset != "iso-8859-1" && form != None {
		return form, nil, ErrUnread
	}
	if form == None && (Unsaid(contentType) || loosely(contentType)) {
		if text := bytes.TrimLeft(body, " \t\r\n"); len(text) > 0 && text[0] == '{' && json.Valid(body) {
			form = JSON
		}
	}
	switch form {
	case URLForm:
		return form, ofForm(body, wanted), nil
	case Multipart:
		fields, err = ofParts(body, boundary, wanted)
	case JSON:
		fields, err = ofJSON(body, wanted)
	case None:
	}
	return form, fields, err
}

func ofForm(body []byte, wanted func(string) bool) (fields []Field) {
	at := 0
	for pair := range bytes.SplitSeq(body, []byte("&")) {
		name, value, _ := bytes.Cut(pair, []byte("="))
		if spelt := decoded(string(name)); len(pair) > 0 && wanted(spelt) {
			to := at + len(pair)
			fields = append(fields, Field{Name: spelt, From: to - len(value), To: to, Text: decoded(string(value))})
		}
		at += len(pair) + 1
	}
	return fields
}

// ofParts reads a multipart body strictly: what could be read in two ways is not
// read (RFC 2046 section 5.1.1, RFC 7578).
func ofParts(body []byte, boundary string, wanted func(string) bool) (fields []Field, err error) {
	if boundary == "" || len(boundary) > 70 {
		return nil, ErrUnread
	}
	mark := []byte("\r\n--" + boundary)
	var (
		rest []byte
		at   int
	)
	if bytes.HasPrefix(body, mark[2:]) {
		rest, at = body[len(mark)-2:], len(mark)-2
	} else if i := bytes.Index(body, mark); i >= 0 {
		rest, at = body[i+len(mark):], i+len(mark)
	} else {
		return nil, ErrUnread
	}
	for {
		if bytes.HasPrefix(rest, []byte("--")) {
			return fields, nil // the end; what follows is nobody's
		}
		if !bytes.HasPrefix(rest, []byte("\r\n")) {
			return nil, ErrUnread
		}
		end := bytes.Index(rest, mark)
		if end < 2 { // no end, or no head
			return nil, ErrUnread
		}
		head, content, whole := bytes.Cut(rest[2:end], []byte("\r\n\r\n"))
		if !whole {
			return nil, ErrUnread
		}
		name, err := partName(head)
		if err != nil {
			return nil, err
		}
		if from := at + 2 + len(head) + 4; wanted(name) {
			fields = append(fields, Field{Name: name, From: from, To: from + len(content), Text: string(content)})
		}
		rest, at = rest[end+len(mark):], at+end+len(mark)
	}
}

// partName is the name of a part that is a field; one with several, or with two
// headers that say it, is not read.
func partName(head []byte) (string, error) {
	name, seen := "", false
	for line := range strings.SplitSeq(string(head), "\r\n") {
		key, value, found := strings.Cut(line, ":")
		if !found || strings.ContainsAny(key, " \t") || strings.ContainsAny(line, "\r\n") {
			return "", ErrUnread // a folded line, or none at all
		}
		if !strings.EqualFold(key, "Content-Disposition") {
			continue
		}
		_, parameters, err := mime.ParseMediaType(value)
		if err != nil || seen || strings.Contains(parameters["name"], `\`) { // which some take away
			return "", ErrUnread
		}
		name, seen = parameters["name"], true
	}
	return name, nil
}

// How deep JSON may go, and how deep its fields have names.
const (
	maxDepth = 500
	named    = 4
)

// ofJSON reads the values of a JSON body by their paths. Elements of a list have
// the list's.
func ofJSON(body []byte, wanted func(string) bool) ([]Field, error) {
	r := &reading{text: body, wanted: wanted}
	if !r.value("", 0) {
		return nil, ErrUnread
	}
	if r.space(); r.at != len(body) {
		return nil, ErrUnread
	}
	return r.fields, nil
}

type reading struct {
	text   []byte
	at     int
	wanted func(string) bool
	fields []Field
}

func (r *reading) space() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *reading) take(c byte) bool {
	r.space()
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

// value reads one value; false where the text is no JSON.
func (r *reading) value(path string, depth int) bool {
	r.space()
	switch {
	case r.at == len(r.text) || depth > maxDepth:
		return false
	case r.text[r.at] == '{':
		return r.object(path, depth)
	case r.text[r.at] == '[':
		return r.list(path, depth)
	case r.text[r.at] == '"':
		from := r.at
		ok := r.skip()
		return ok && r.keep(path, from)
	}
	from := r.at
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n,]}", r.text[r.at]) < 0 {
		r.at++
	}
	return r.at > from && r.keep(path, from)
}

// keep keeps a value whose name is wanted; it is false where it cannot be read.
func (r *reading) keep(path string, from int) bool {
	if path == "" || !r.wanted(path) {
		return true
	}
	raw := r.text[from:r.at]
	text, ok := string(raw), true
	if raw[0] == '"' {
		text, ok = unquoted(raw)
	}
	r.fields = append(r.fields, Field{Name: path, From: from, To: r.at, Text: text})
	return ok
}

func (r *reading) object(path string, depth int) bool {
	r.at++
	if r.take('}') {
		return true
	}
	for {
		r.space()
		from := r.at
		if !r.skip() {
			return false
		}
		name, ok := "", true
		if depth < named && (path != "" || depth == 0) {
			name, ok = unquoted(r.text[from:r.at])
		}
		if !ok || !r.take(':') {
			return false
		}
		name = strings.ReplaceAll(name, ".", `\.`) // it is no path
		if path != "" && name != "" {
			name = path + "." + name
		}
		if !r.value(name, depth+1) {
			return false
		}
		if r.take('}') {
			return true
		}
		if !r.take(',') {
			return false
		}
	}
}

func (r *reading) list(path string, depth int) bool {
	r.at++
	if r.take(']') {
		return true
	}
	for {
		if !r.value(path, depth+1) {
			return false
		}
		if r.take(']') {
			return true
		}
		if !r.take(',') {
			return false
		}
	}
}

// skip goes over a text in quotes; false where there is none.
func (r *reading) skip() bool {
	if r.at == len(r.text) || r.text[r.at] != '"' {
		return false
	}
	for r.at++; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			return true
		}
	}
	return false
}

// unquoted is a text of JSON as it is meant; false where it is none.
func unquoted(raw []byte) (text string, ok bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	return text, json.Unmarshal(raw, &text) == nil
}

// Escape is a value as it is written where a field of a form is.
func Escape(form Form, value []byte) []byte {
	switch form {
	case URLForm:
		return []byte(url.QueryEscape(string(value)))
	case JSON:
		text, err := json.Marshal(string(value))
		if err != nil {
			return nil
		}
		return text
	case Multipart, None:
	}
	return value
}
