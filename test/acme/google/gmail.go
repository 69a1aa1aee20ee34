package google

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Gmail's scopes.
const (
	gmailAll      = "https://mail.google.com/"
	gmailModify   = scope + "gmail.modify"
	gmailRead     = scope + "gmail.readonly"
	gmailMetadata = scope + "gmail.metadata"
	gmailCompose  = scope + "gmail.compose"
	gmailSend     = scope + "gmail.send"
	gmailLabels   = scope + "gmail.labels"
)

// gmail registers the API of mail, version 1.
func (t *Twin) gmail(a api) {
	a.on("GET /profile", func(c *call) (any, *Fault) {
		return map[string]any{"emailAddress": c.who.Mail, "messagesTotal": len(t.mails), "threadsTotal": len(t.mails), "historyId": "1"}, nil
	}, gmailAll, gmailModify, gmailCompose, gmailRead, gmailMetadata)
	a.on("GET /messages", t.listMail, gmailAll, gmailModify, gmailRead, gmailMetadata)
	a.on("GET /messages/{id}", t.getMail, gmailAll, gmailModify, gmailRead, gmailMetadata)
	a.on("GET /messages/{id}/attachments/{attachment}", t.getAttachment, gmailAll, gmailModify, gmailRead)
	a.on("GET /threads/{id}", t.getThread, gmailAll, gmailModify, gmailRead, gmailMetadata)
	a.on("GET /labels", t.listLabels, gmailAll, gmailModify, gmailRead, gmailLabels, gmailMetadata)
	a.on("POST /messages/send", t.sendMail, gmailAll, gmailModify, gmailCompose, gmailSend)
	a.on("POST /messages/{id}/modify", t.modifyMail, gmailAll, gmailModify)
	a.on("POST /drafts", t.makeDraft, gmailAll, gmailModify, gmailCompose)
}

func (t *Twin) listMail(c *call) (any, *Fault) {
	if c.query.Has("q") && !c.has(gmailAll) && !c.has(gmailModify) && !c.has(gmailRead) {
		return nil, &Fault{Code: 403, Status: "PERMISSION_DENIED", Reason: "forbidden", Message: "Metadata scope does not support 'q' parameter"}
	}
	size, f := c.number("maxResults", 100, 500)
	if f != nil {
		return nil, f
	}
	list := []map[string]any{}
	for _, m := range slices.Backward(t.mails) {
		hidden := slices.Contains(m.Labels, "TRASH") || slices.Contains(m.Labels, "SPAM")
		if m.owner == c.who.Mail && m.matches(c.query.Get("q")) && !hidden {
			list = append(list, map[string]any{"id": m.ID, "threadId": m.Thread})
		}
	}
	part, next, f := page(c, list, size)
	if f != nil {
		return nil, f
	}
	out := map[string]any{"resultSizeEstimate": len(list)}
	if len(part) > 0 { // an empty list is not there at all
		out["messages"] = part
	}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

func (t *Twin) mail(c *call, id string) (*Mail, *Fault) {
	if strings.ContainsFunc(id, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }) {
		return nil, invalid("Invalid id value")
	}
	for _, m := range t.mails {
		if m.ID == id && m.owner == c.who.Mail {
			return m, nil
		}
	}
	return nil, missing()
}

func (t *Twin) getMail(c *call) (any, *Fault) {
	m, f := t.mail(c, c.r.PathValue("id"))
	if f != nil {
		return nil, f
	}
	return m.shown(c)
}

// shown is a message in the format that was asked for.
func (m *Mail) shown(c *call) (map[string]any, *Fault) {
	out := map[string]any{"id": m.ID, "threadId": m.Thread, "snippet": strings.ToValidUTF8(m.Text[:min(len(m.Text), 100)], ""), "sizeEstimate": 1000, "historyId": "1", "internalDate": "1730000000000"}
	if len(m.Labels) > 0 { // without labels there is no list
		out["labelIds"] = m.Labels
	}
	switch format := c.query.Get("format"); format {
	case "minimal":
	case "metadata":
		wanted := c.query["metadataHeaders"]
		headers := slices.DeleteFunc(m.headers(), func(h map[string]any) bool {
			return len(wanted) > 0 && !slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, fmt.Sprint(h["name"])) })
		})
		out["payload"] = map[string]any{"mimeType": "text/plain", "headers": headers}
	case "", "full":
		if !c.has(gmailAll) && !c.has(gmailModify) && !c.has(gmailRead) {
			return nil, &Fault{Code: 403, Status: "PERMISSION_DENIED", Reason: "forbidden", Message: "Metadata scope doesn't allow format FULL"}
		}
		out["payload"] = m.payload()
	default:
		return nil, invalid("Invalid value at 'format'")
	}
	return out, nil
}

func (m *Mail) headers() (out []map[string]any) {
	for _, h := range [][2]string{
		{"From", m.From}, {"Reply-To", m.ReplyTo}, {"To", m.To}, {"Cc", m.Cc}, {"Bcc", m.Bcc}, {"Subject", m.Subject}, {"Date", m.Date},
		{"Message-Id", m.MessageID}, {"In-Reply-To", m.InReplyTo}, {"References", m.References},
	} {
		if h[1] != "" {
			out = append(out, map[string]any{"name": h[0], "value": h[1]})
		}
	}
	return out
}

// payload is a message's tree of parts.
func (m *Mail) payload() map[string]any {
	text := func(kind, s string) map[string]any {
		return map[string]any{
			"mimeType": kind, "filename": "", "headers": []any{map[string]any{"name": "Content-Type", "value": kind + `; charset="UTF-8"`}},
			"body": map[string]any{"size": len(s), "data": base64.URLEncoding.EncodeToString([]byte(s))},
		}
	}
	multi := func(kind string, parts ...any) map[string]any {
		return map[string]any{"mimeType": "multipart/" + kind, "filename": "", "body": map[string]any{"size": 0}, "parts": parts}
	}
	top := text("text/plain", m.Text)
	switch {
	case m.HTML != "" && m.Text != "":
		top = multi("alternative", text("text/plain", m.Text), text("text/html", m.HTML))
	case m.HTML != "":
		top = text("text/html", m.HTML)
	}
	if len(m.Files) > 0 {
		parts := []any{top}
		for i, f := range m.Files {
			parts = append(parts, map[string]any{
				"mimeType": f.Type, "filename": f.Name, "headers": []any{map[string]any{"name": "Content-Disposition", "value": `attachment; filename="` + f.Name + `"`}},
				"body": map[string]any{"size": len(f.Content), "attachmentId": attachmentID(m.ID, i)},
			})
		}
		top = multi("mixed", parts...)
	}
	top["headers"] = m.headers()
	return top
}

func attachmentID(mail string, i int) string { return fmt.Sprintf("ANGjdJ9_%s-%d", mail, i) }

func (t *Twin) getAttachment(c *call) (any, *Fault) {
	m, f := t.mail(c, c.r.PathValue("id"))
	if f != nil {
		return nil, f
	}
	for i, file := range m.Files {
		if attachmentID(m.ID, i) == c.r.PathValue("attachment") {
			return map[string]any{"size": len(file.Content), "data": base64.URLEncoding.EncodeToString(file.Content)}, nil
		}
	}
	return nil, invalid("Invalid attachment token")
}

func (t *Twin) getThread(c *call) (any, *Fault) {
	messages := []any{}
	for _, m := range t.mails {
		if m.owner == c.who.Mail && m.Thread == c.r.PathValue("id") {
			one, f := m.shown(c)
			if f != nil {
				return nil, f
			}
			messages = append(messages, one)
		}
	}
	if len(messages) == 0 {
		return nil, missing()
	}
	return map[string]any{"id": c.r.PathValue("id"), "historyId": "1", "messages": messages}, nil
}

// system are the labels that every mailbox has.
var system = []string{"CHAT", "DRAFT", "IMPORTANT", "INBOX", "SENT", "SPAM", "STARRED", "TRASH", "UNREAD"}

func (t *Twin) listLabels(*call) (any, *Fault) {
	list := []any{}
	for _, id := range system {
		list = append(list, map[string]any{"id": id, "name": id, "type": "system"})
	}
	for id, name := range t.labels {
		list = append(list, map[string]any{"id": id, "name": name, "type": "user", "labelListVisibility": "labelShow"})
	}
	return map[string]any{"labels": list}, nil
}

type rawMail struct {
	Raw    string `json:"raw"`
	Thread string `json:"threadId"`
}

// compose reads a message that is to be sent or kept.
func (t *Twin) compose(c *call, in rawMail) (m Mail, f *Fault) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(in.Raw, "="))
	if err != nil {
		return m, invalid("Invalid value at 'raw' (TYPE_BYTES), Base64 decoding failed")
	}
	if len(raw) == 0 {
		return m, invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
	}
	if m, err = parse(raw); err != nil {
		return m, invalid("Invalid message")
	}
	m.From = c.who.Name + " <" + c.who.Mail + ">"
	m.Thread, f = t.threaded(c.who, &m, in.Thread)
	return m, f
}

func (t *Twin) sendMail(c *call) (any, *Fault) {
	var in rawMail
	if f := c.read(&in); f != nil {
		return nil, f
	}
	m, f := t.compose(c, in)
	if f != nil {
		return nil, f
	}
	to, err := addresses(m.To, m.Cc, m.Bcc)
	if err != nil {
		return nil, invalid("Invalid To header")
	}
	if len(to) == 0 {
		return nil, invalid("Recipient address required")
	}
	m.Labels = []string{"SENT"}
	sent := t.deliver(c.who.Mail, m)
	for _, address := range to {
		arrived := *sent
		arrived.Labels, arrived.Thread, arrived.Bcc = []string{"INBOX", "UNREAD"}, "", ""
		t.deliver(address, arrived)
	}
	return map[string]any{"id": sent.ID, "threadId": sent.Thread, "labelIds": sent.Labels}, nil
}

func (t *Twin) makeDraft(c *call) (any, *Fault) {
	var in struct {
		Message rawMail `json:"message"`
	}
	if f := c.read(&in); f != nil {
		return nil, f
	}
	m, f := t.compose(c, in.Message)
	if f != nil {
		return nil, f
	}
	t.drafts++
	m.Labels, m.draft = []string{"DRAFT"}, fmt.Sprintf("r-%d", t.drafts)
	kept := t.deliver(c.who.Mail, m)
	return map[string]any{"id": kept.draft, "message": map[string]any{"id": kept.ID, "threadId": kept.Thread, "labelIds": kept.Labels}}, nil
}

func (t *Twin) modifyMail(c *call) (any, *Fault) {
	var in struct {
		Add    []string `json:"addLabelIds"`
		Remove []string `json:"removeLabelIds"`
	}
	if f := c.read(&in); f != nil {
		return nil, f
	}
	m, f := t.mail(c, c.r.PathValue("id"))
	if f != nil {
		return nil, f
	}
	if len(in.Add)+len(in.Remove) == 0 {
		return nil, invalid("No label add or removes specified")
	}
	for _, l := range slices.Concat(in.Add, in.Remove) {
		if _, own := t.labels[l]; !own && !slices.Contains(system, l) {
			return nil, invalid("Invalid label: " + l)
		}
		if l == "DRAFT" || l == "SENT" || slices.Contains(in.Add, l) && slices.Contains(in.Remove, l) {
			return nil, &Fault{Code: http.StatusBadRequest, Status: "INVALID_ARGUMENT", Reason: "invalidArgument", Message: "Cannot both add and remove the same label, or a label of the system: " + l}
		}
	}
	m.Labels = slices.DeleteFunc(m.Labels, func(l string) bool { return slices.Contains(in.Remove, l) })
	for _, l := range in.Add {
		if !slices.Contains(m.Labels, l) {
			m.Labels = append(m.Labels, l)
		}
	}
	return map[string]any{"id": m.ID, "threadId": m.Thread, "labelIds": m.Labels}, nil
}
