package connector

import (
	"bytes"
	"encoding/base64"
	"mime"
	"strings"
	"unicode/utf8"
)

// maxParts bounds how deep a message's parts may lie.
const maxParts = 20

// readMail reads a Gmail message's payload: its texts, and what is attached.
func readMail(r *reading, args []any) (any, error) {
	out := &readMessage{reading: r, files: []any{}}
	out.walk(args[0], 0)
	return map[string]any{"text": out.text.String(), "html": out.html.String(), "attachments": out.files}, nil
}

type readMessage struct {
	*reading
	text, html strings.Builder
	files      []any
}

func (r *readMessage) walk(v any, depth int) {
	p, ok := v.(map[string]any)
	if !ok || depth > maxParts {
		return
	}
	r.part(p)
	parts, _ := p["parts"].([]any)
	for _, one := range parts {
		r.walk(one, depth+1)
	}
}

// part takes a part for a text, or for a file: that it has a name, or an id of its
// own.
func (r *readMessage) part(p map[string]any) {
	kind, name := textOf(p["mimeType"]), textOf(p["filename"])
	body, _ := p["body"].(map[string]any)
	file := map[string]any{"id": textOf(body["attachmentId"]), "name": name, "type": kind, "size": body["size"]}
	if file["id"] != "" {
		r.files = append(r.files, file)
		return
	}
	out, err := unbase64url(body["data"])
	data, _ := out.([]byte)
	if err != nil || len(data) == 0 {
		return
	}
	charset := charsetOf(p["headers"])
	switch {
	case name != "" && strings.HasPrefix(kind, "text/"): // it is here already
		file["text"] = r.mailText(data, charset)
		r.files = append(r.files, file)
	case name != "":
		file["base64"] = base64.StdEncoding.EncodeToString(data)
		r.files = append(r.files, file)
	case kind == "text/plain":
		r.text.WriteString(r.mailText(data, charset))
	case kind == "text/html":
		r.html.WriteString(r.mailText(data, charset))
	}
}

func charsetOf(headers any) string {
	v, _ := headerOf(headers, "Content-Type")
	_, parameters, _ := mime.ParseMediaType(textOf(v))
	return parameters["charset"]
}

// mailText is a part's text. Services may have it in UTF-8 already, whatever the
// part's header says.
func (r *reading) mailText(data []byte, charset string) string {
	if utf8.Valid(data) && !bytes.ContainsAny(data, "\x00\x1b") {
		return string(data)
	}
	return r.textIn(data, charset)
}
