package standin

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"mime"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"hotcell/internal/value/sensitive"
)

// kindOf is the kind of a body, and the boundary of its parts where it has some.
// What a page sends without saying what it is, it shows by how it begins: scripts
// send JSON as text/plain most often.
func kindOf(body []byte, contentType string) (kind, boundary string) {
	kind, parameters, _ := mime.ParseMediaType(contentType)
	if kind == "multipart/form-data" {
		return kind, parameters["boundary"]
	}
	if kind == "" || kind == "text/plain" || kind == "application/octet-stream" {
		switch text := bytes.TrimSpace(body); {
		case len(text) > 0 && (text[0] == '{' || text[0] == '[' || text[0] == '"') && json.Valid(text):
			kind = "application/json"
		case bytes.HasPrefix(text, []byte("<?xml")) || bytes.HasPrefix(text, []byte("<")) && bytes.HasSuffix(text, []byte(">")):
			kind = "application/xml"
		}
	}
	return kind, ""
}

// Escaping is how a value is written within a body of a kind.
func Escaping(kind string) func([]byte) []byte {
	switch {
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return func(b []byte) []byte {
			text, err := json.Marshal(string(b))
			if err != nil {
				return b
			}
			return text[1 : len(text)-1]
		}
	case kind == "application/x-www-form-urlencoded":
		return func(b []byte) []byte { return []byte(url.QueryEscape(string(b))) }
	case kind == "application/xml" || kind == "text/xml" || strings.HasSuffix(kind, "+xml"):
		return func(b []byte) []byte {
			var out bytes.Buffer
			if xml.EscapeText(&out, b) != nil {
				return b
			}
			return out.Bytes()
		}
	}
	return func(b []byte) []byte { return b }
}

// piece is a place in a body where a value goes: a stand-in, or the digits of one
// that was typed into a field for each.
type piece struct {
	from, to int
	kind     string
}

// Holds says whether a body holds a stand-in where [Put] would put a value.
func Holds(body []byte, contentType string, word []byte) bool {
	return len(places(body, contentType, word)) > 0
}

// Put puts values where their stand-ins are, each once: where it is first. A second
// place could be one that somebody who is not the site's owner chose.
func Put(body []byte, contentType string, pairs []Pair) []byte {
	given := true
	for _, p := range pairs {
		at := places(body, contentType, p.StandIn)
		if len(at) > 1 && len(at) != len(p.Value) {
			continue // a code of another length than there are fields
		}
		for i, one := range slices.Backward(at) {
			value := p.Value
			if len(at) > 1 {
				value = value[i : i+1]
			}
			next := splice(body, one.from, one.to, Escaping(one.kind)(value))
			if !given { // it has a value in it
				sensitive.Wipe(body)
			}
			body, given = next, false
		}
	}
	return body
}

func splice(body []byte, from, to int, value []byte) []byte {
	out := make([]byte, 0, len(body)+len(value))
	return append(append(append(out, body[:from]...), value...), body[to:]...)
}

// places are where a stand-in is in a body, or its digits one by one; none where it
// is not there.
func places(body []byte, contentType string, word []byte) []piece {
	kind, boundary := kindOf(body, contentType)
	var single []piece
	for _, p := range partsOf(body, kind, boundary) {
		if at := index(body[p.from:p.to], word); at >= 0 {
			return []piece{{p.from + at, p.from + at + len(word), p.kind}}
		}
		single = append(single, digitsOf(body, p)...)
	}
	if !numeric(word) || len(word) < 2 {
		return nil
	}
	for from := 0; from+len(word) <= len(single); from++ {
		same := true
		for i, c := range word {
			same = same && body[single[from+i].from] == c
		}
		if same {
			return single[from : from+len(word)]
		}
	}
	return nil
}

// partsOf are what of a body takes values: what names a part is left as it is.
func partsOf(body []byte, kind, boundary string) (parts []piece) {
	if boundary == "" {
		return []piece{{0, len(body), kind}}
	}
	from := 0
	for part := range bytes.SplitSeq(body, []byte("--"+boundary)) {
		if head, content, whole := bytes.Cut(part, []byte("\r\n\r\n")); whole {
			begin := from + len(head) + 4
			inner, _ := kindOf(content, headerOf(head, "Content-Type"))
			parts = append(parts, piece{begin, begin + len(content), inner})
		}
		from += len(part) + len("--"+boundary)
	}
	return parts
}

func headerOf(head []byte, name string) string {
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if key, value, found := strings.Cut(line, ":"); found && textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(key)) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func numeric(word []byte) bool { return len(bytes.Trim(word, "0123456789")) == 0 }

func digit(c byte) bool { return c >= '0' && c <= '9' }

// index is where a stand-in stands first by itself: one of digits not within a
// longer number.
func index(b, word []byte) int {
	for from := 0; ; {
		at := bytes.Index(b[from:], word)
		if at < 0 {
			return -1
		}
		at += from
		end := at + len(word)
		if !numeric(word) || (at == 0 || !digit(b[at-1])) && (end == len(b) || !digit(b[end])) {
			return at
		}
		from = end
	}
}

// digitsOf are the values of a part that are one digit.
func digitsOf(body []byte, p piece) (out []piece) {
	text := body[p.from:p.to]
	add := func(at int) { out = append(out, piece{p.from + at, p.from + at + 1, p.kind}) }
	switch {
	case p.kind == "application/x-www-form-urlencoded":
		for at := range text {
			if digit(text[at]) && at > 0 && text[at-1] == '=' && (at+1 == len(text) || text[at+1] == '&') {
				add(at)
			}
		}
	case p.kind == "application/json" || strings.HasSuffix(p.kind, "+json"):
		for at := range text {
			if digit(text[at]) && valueOf(text, at) {
				add(at)
			}
		}
	default: // a part by itself
		if trimmed := bytes.TrimSpace(text); len(trimmed) == 1 && digit(trimmed[0]) {
			add(bytes.IndexByte(text, trimmed[0]))
		}
	}
	return out
}

// valueOf says whether the digit at a place of a JSON text is a value by itself: a
// number, or a string that is not a name.
func valueOf(text []byte, at int) bool {
	before, after := bytes.TrimRight(text[:at], " \t\r\n"), bytes.TrimLeft(text[at+1:], " \t\r\n")
	if len(before) > 0 && before[len(before)-1] == '"' && len(before) == at {
		if len(after) == 0 || after[0] != '"' || len(after) != len(text)-at-1 {
			return false
		}
		before, after = bytes.TrimRight(before[:len(before)-1], " \t\r\n"), bytes.TrimLeft(after[1:], " \t\r\n")
	}
	begins := len(before) > 0 && strings.IndexByte(":,[", before[len(before)-1]) >= 0
	ends := len(after) > 0 && strings.IndexByte(",]}", after[0]) >= 0
	return begins && ends
}
