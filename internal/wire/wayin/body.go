package wayin

import (
	"bytes"
	"mime"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// body is what of a request is compared: its query, its kind, and its body's fields.
type body struct {
	kind   string
	query  []string
	fields []field
}

// field is one of a body, with its value as a server reads it, and where that is.
type field struct {
	name  string
	value []byte
	place
}

// wholeBody is the name of the one field of a body that has none.
const wholeBody = "."

// fileMark is on the name of a part that is a file.
const fileMark = " (file)"

// maxFields is how many fields a body has that is read.
const maxFields = 2000

// read reads a request; ok is false of one that servers may read in several ways.
func read(r Request) (b *body, ok bool) {
	for _, name := range overrides {
		if _, there := r.Header[name]; there {
			return nil, false
		}
	}
	types := r.Header["Content-Type"]
	if r.URL == nil || len(types) > 1 || !utf8.ValidString(r.URL.RawQuery) {
		return nil, false
	}
	b = &body{}
	if b.query, ok = queryOf(r.URL.RawQuery); !ok {
		return nil, false
	}
	parameters := map[string]string{}
	if len(types) == 1 {
		var err error
		if b.kind, parameters, err = mime.ParseMediaType(types[0]); err != nil {
			return nil, false
		}
	}
	if charset := strings.ToLower(parameters["charset"]); charset != "" && charset != "utf-8" && charset != "utf8" {
		return nil, false
	}
	if b.fields, ok = fieldsOf(r.Body, b.kind, parameters["boundary"]); !ok || len(b.fields) > maxFields {
		return nil, false
	}
	return b, true
}

// fieldsOf reads a body by its kind. What a page sends without saying what it is, it
// shows by how it begins: scripts send JSON as text/plain most often.
func fieldsOf(text []byte, kind, boundary string) ([]field, bool) {
	trimmed := bytes.TrimSpace(text)
	plain := kind == "" || kind == "text/plain" || kind == "application/octet-stream"
	begins := func(with string) bool { return len(trimmed) > 0 && strings.IndexByte(with, trimmed[0]) >= 0 }
	switch {
	case kind == "application/x-www-form-urlencoded":
		return formFields(text, kind)
	case kind == "multipart/form-data":
		return partFields(text, boundary)
	case kind == "application/json" || strings.HasSuffix(kind, "+json") || plain && begins(`{["`):
		return jsonFields(text)
	case kind == "application/xml" || kind == "text/xml" || strings.HasSuffix(kind, "+xml") || plain && begins("<"):
		return xmlFields(text)
	case kind == "text/plain" && bytes.ContainsRune(text, '='):
		return lineFields(text)
	}
	return []field{{wholeBody, text, place{0, len(text), kind}}}, true
}

// formFields are those of application/x-www-form-urlencoded (WHATWG URL, section 5.1).
func formFields(text []byte, kind string) (out []field, ok bool) {
	from := 0
	for pair := range bytes.SplitSeq(text, []byte("&")) {
		at := from
		from += len(pair) + 1
		if len(pair) == 0 {
			continue
		}
		name, value, _ := bytes.Cut(pair, []byte("="))
		key, err := url.QueryUnescape(string(name))
		plain, bad := url.QueryUnescape(string(value))
		if err != nil || bad != nil || bytes.ContainsRune(pair, ';') {
			return nil, false // some servers part fields at semicolons too
		}
		begin := min(at+len(name)+1, at+len(pair))
		out = append(out, field{key, []byte(plain), place{begin, at + len(pair), kind}})
	}
	return out, true
}

// lineFields are those of a form that is sent as text/plain: a line each.
func lineFields(text []byte) (out []field, ok bool) {
	from := 0
	for line := range bytes.Lines(text) {
		content := bytes.TrimRight(line, "\r\n")
		if name, value, found := bytes.Cut(content, []byte("=")); found {
			out = append(out, field{string(name), value, place{from + len(name) + 1, from + len(content), "text/plain"}})
		} else if len(content) > 0 {
			return nil, false
		}
		from += len(line)
	}
	return out, true
}

// partFields are those of multipart/form-data as browsers write it (RFC 7578).
func partFields(text []byte, boundary string) (out []field, ok bool) {
	if boundary == "" || !bytes.HasPrefix(text, []byte("--"+boundary+"\r\n")) {
		return nil, false
	}
	mark := []byte("\r\n--" + boundary)
	for at := len(mark) - 2; ; {
		switch rest := text[at:]; {
		case bytes.Equal(bytes.TrimRight(rest, "\r\n"), []byte("--")):
			return out, len(out) > 0
		case !bytes.HasPrefix(rest, []byte("\r\n")):
			return nil, false
		}
		at += 2
		head := bytes.Index(text[at:], []byte("\r\n\r\n"))
		if head < 0 {
			return nil, false
		}
		begin := at + head + 4
		size := bytes.Index(text[begin-2:], mark) // an empty part has the break of its head
		if size < 0 {
			return nil, false
		}
		end := max(begin, begin-2+size)
		name, good := partName(text[at : at+head])
		if !good {
			return nil, false
		}
		out = append(out, field{name, text[begin:end], place{begin, end, "text/plain"}})
		at = begin - 2 + size + len(mark)
	}
}

// partName is the name of a part; one that is a file is not taken for a field of the
// same name.
func partName(head []byte) (name string, ok bool) {
	typed := false
	for line := range strings.SplitSeq(string(head), "\r\n") {
		key, value, found := strings.Cut(line, ":")
		switch key = textproto.CanonicalMIMEHeaderKey(key); {
		case !found:
			return "", false
		case key == "Content-Disposition" && !ok:
			kind, parameters, err := mime.ParseMediaType(value)
			if err != nil || kind != "form-data" {
				return "", false
			}
			name, ok = parameters["name"], true
			if _, file := parameters["filename"]; file {
				name += fileMark
			}
		case key == "Content-Type":
			typed = true
		default:
			return "", false
		}
	}
	// Browsers give the kind of a file alone.
	return name, ok && typed == strings.HasSuffix(name, fileMark)
}

// whole is the first field that is a word as a whole.
func (b *body) whole(word []byte) int {
	if len(word) == 0 {
		return -1
	}
	return slices.IndexFunc(b.fields, func(f field) bool { return bytes.Equal(f.value, word) })
}

// code are the field that is a code, or those in a row that are a digit of it each.
func (b *body) code(word []byte) []int {
	if at := b.whole(word); at >= 0 {
		return []int{at}
	}
	var single, out []int
	for i, f := range b.fields {
		if len(f.value) == 1 && f.value[0] >= '0' && f.value[0] <= '9' {
			single = append(single, i)
		}
	}
	for from := 0; len(word) > 1 && from+len(word) <= len(single); from++ {
		same := true
		for i, c := range word {
			same = same && b.fields[single[from+i]].value[0] == c
		}
		if same {
			out = append(out, single[from:from+len(word)]...)
			break
		}
	}
	return out
}

// named is the one field of a name; -1 where there is none.
func (b *body) named(name string) int {
	return slices.IndexFunc(b.fields, func(f field) bool { return f.name == name })
}

// alone says whether no other field has the name of one of these, in whatever case:
// which of two a server takes, only it knows.
func (b *body) alone(taken map[int]bool) bool {
	for at := range taken {
		for i, f := range b.fields {
			if i != at && strings.EqualFold(f.name, b.fields[at].name) {
				return false
			}
		}
	}
	return true
}

// holds says whether a text has a word somewhere.
func (w Words) in(text []byte) bool {
	for _, word := range [][]byte{w.Password, w.Code} {
		if len(word) > 0 && bytes.Contains(text, word) {
			return true
		}
	}
	return false
}

// are says whether a text is one of the words, whole.
func (w Words) are(text []byte) bool {
	return len(text) > 0 && (bytes.Equal(text, w.Password) || bytes.Equal(text, w.Code))
}

// Holds says whether a request's body has one of the words, as a field, in one, or as
// digits that have a field each.
func Holds(r Request, words Words) bool {
	if words.in(r.Body) {
		return true
	}
	b, ok := read(r)
	if !ok {
		return false
	}
	return len(b.code(words.Code)) > 0 || slices.ContainsFunc(b.fields, func(f field) bool { return words.in(f.value) })
}

// queryOf reads a query to how it is written down.
func queryOf(raw string) (out []string, ok bool) {
	fields, ok := formFields([]byte(raw), "")
	for _, f := range fields {
		if small.Match(f.value) || word(f.value) {
			out = append(out, nameOf(f)+fixedMark+string(f.value))
		} else {
			out = append(out, nameOf(f))
		}
	}
	slices.Sort(out)
	return out, ok
}
