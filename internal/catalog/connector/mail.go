package connector

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"
)

// maxMail is how large a message may become, in bytes: 25 MiB, as most services
// have it.
const maxMail = 25 << 20

var errMail = errors.New("this is no message")

// writeMail makes a message (RFC 5322, MIME) of a map. Addresses are parsed, and
// headers folded and encoded, so that none can hold another header.
func writeMail(r *reading, args []any) (any, error) {
	m, ok := args[0].(map[string]any)
	if !ok {
		return nil, errMail
	}
	h, err := r.mailHeader(m)
	if err != nil {
		return nil, err
	}
	plainText, _ := m["text"].(string)
	html, _ := m["html"].(string)
	files, _ := m["attachments"].([]any)
	var out bytes.Buffer
	if html == "" && len(files) == 0 {
		err = writeText(&out, h, plainText)
	} else {
		err = writeParts(&out, h, plainText, html, files)
	}
	if err != nil {
		return nil, err
	}
	if out.Len() > maxMail {
		return nil, errMail
	}
	return out.Bytes(), nil
}

// writeText writes a message that is one text. What is encoded is whole only
// once the writer is closed.
func writeText(out io.Writer, h mail.Header, body string) error {
	h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	w, err := mail.CreateSingleInlineWriter(out, h)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, body)
	return errors.Join(err, w.Close())
}

func writeParts(out io.Writer, h mail.Header, plainText, html string, files []any) error {
	w, err := mail.CreateWriter(out, h)
	if err != nil {
		return err
	}
	return errors.Join(writeTexts(w, plainText, html), writeFiles(w, files), w.Close())
}

func (r *reading) mailHeader(m map[string]any) (h mail.Header, err error) {
	for _, field := range []string{"From", "To", "Cc", "Bcc"} {
		list, err := r.addresses(m[strings.ToLower(field)])
		if err != nil {
			return h, err
		}
		if len(list) > 0 {
			h.SetAddressList(field, list)
		}
	}
	subject, _ := m["subject"].(string)
	h.SetSubject(oneLine(subject))
	for field, key := range map[string]string{"In-Reply-To": "in_reply_to", "References": "references"} {
		ids, _ := m[key].(string)
		if ids = oneLine(ids); ids != "" {
			h.SetText(field, ids)
		}
	}
	if date, ok := m["date"].(string); ok {
		if at, err := time.Parse(time.RFC3339, date); err == nil {
			h.SetDate(at)
		}
	}
	return h, nil
}

// oneLine keeps a header in its line.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s))
}

func writeTexts(w *mail.Writer, plainText, html string) error {
	inline, err := w.CreateInline()
	if err != nil {
		return err
	}
	for _, p := range []struct{ kind, body string }{{"text/plain", plainText}, {"text/html", html}} {
		if p.body == "" && (p.kind == "text/html" || html != "") {
			continue
		}
		var h mail.InlineHeader
		h.SetContentType(p.kind, map[string]string{"charset": "utf-8"})
		part, err := inline.CreatePart(h)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(part, p.body); err != nil {
			return err
		}
		if err := part.Close(); err != nil {
			return err
		}
	}
	return inline.Close()
}

func writeFiles(w *mail.Writer, files []any) error {
	for _, one := range files {
		f, ok := one.(map[string]any)
		if !ok {
			return errMail
		}
		name, _ := f["name"].(string)
		kind, _ := f["type"].(string)
		coded, _ := f["base64"].(string)
		content, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			return errMail
		}
		if kind == "" || strings.ContainsFunc(kind, func(r rune) bool { return r <= ' ' || r > '~' }) {
			kind = "application/octet-stream"
		}
		var h mail.AttachmentHeader
		h.SetContentType(kind, nil)
		h.SetFilename(oneLine(name))
		part, err := w.CreateAttachment(h)
		if err != nil {
			return err
		}
		if _, err := part.Write(content); err != nil {
			return err
		}
		if err := part.Close(); err != nil {
			return err
		}
	}
	return nil
}
