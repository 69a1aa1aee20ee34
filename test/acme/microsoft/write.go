package microsoft

import (
	"encoding/base64"
	"net/mail"
	"slices"
	"strings"
)

// recipient is somebody, as Graph writes them.
type recipient struct {
	Address struct {
		Name    string `json:"name"`
		Address string `json:"address"`
	} `json:"emailAddress"`
}

// written is a message as it is written by callers. What is not given is nil.
type written struct {
	Subject *string `json:"subject"`
	Body    *struct {
		Kind    string `json:"contentType"`
		Content string `json:"content"`
	} `json:"body"`
	To         []recipient `json:"toRecipients"`
	Cc         []recipient `json:"ccRecipients"`
	Bcc        []recipient `json:"bccRecipients"`
	ReplyTo    []recipient `json:"replyTo"`
	Read       *bool       `json:"isRead"`
	Importance *string     `json:"importance"`
	Files      []struct {
		Kind    string `json:"@odata.type"`
		Name    string `json:"name"`
		Type    string `json:"contentType"`
		Content string `json:"contentBytes"`
		Inline  bool   `json:"isInline"`
	} `json:"attachments"`
}

// into puts what is given into a message.
func (w *written) into(m *Message) *Fault {
	if w.Subject != nil {
		m.Subject = *w.Subject
	}
	if w.Body != nil {
		m.Kind, m.Body = strings.ToLower(w.Body.Kind), w.Body.Content
		if m.Kind != "text" && m.Kind != "html" {
			return bad("RequestBodyRead", "Cannot convert the literal '"+w.Body.Kind+"' to the expected type 'Edm.BodyType'.")
		}
	}
	for _, p := range []struct {
		from []recipient
		to   *[]string
	}{{w.To, &m.To}, {w.Cc, &m.Cc}, {w.Bcc, &m.Bcc}, {w.ReplyTo, &m.ReplyTo}} {
		if p.from != nil {
			*p.to = nil
		}
		for _, one := range p.from {
			*p.to = append(*p.to, one.Address.Address)
		}
	}
	if w.Read != nil {
		m.Read = *w.Read
	}
	for _, f := range w.Files {
		content, err := base64.StdEncoding.DecodeString(f.Content)
		if f.Kind != "#microsoft.graph.fileAttachment" || f.Name == "" || err != nil {
			return bad("RequestBodyRead", "An attachment has a type, a name and content in base64.")
		}
		m.Files = append(m.Files, File{Name: f.Name, Type: f.Type, Content: content, Inline: f.Inline})
	}
	return nil
}

func (t *Twin) draft(c *call) (any, *Fault) {
	var in written
	if f := c.read(&in); f != nil {
		return nil, f
	}
	m := Message{Draft: true, Folder: "drafts", Read: true}
	if f := in.into(&m); f != nil {
		return nil, f
	}
	return t.store(c.who.Mail, m).shown(false), nil
}

func (t *Twin) change(c *call) (any, *Fault) {
	m, f := t.message(c)
	if f != nil {
		return nil, f
	}
	var in written
	if f := c.read(&in); f != nil {
		return nil, f
	}
	if !m.Draft && (in.Subject != nil || in.Body != nil || in.To != nil || in.Cc != nil || in.Bcc != nil || in.Files != nil) {
		return nil, bad("ErrorInvalidPropertySet", "Set action is invalid for property of a message that was sent.")
	}
	if f := in.into(m); f != nil {
		return nil, f
	}
	return m.shown(false), nil
}

func (t *Twin) move(c *call) (any, *Fault) {
	m, f := t.message(c)
	if f != nil {
		return nil, f
	}
	var in struct {
		To string `json:"destinationId"`
	}
	if f := c.read(&in); f != nil {
		return nil, f
	}
	to, there := t.folder(in.To)
	if !there {
		return nil, missing()
	}
	m.Folder, m.ID = to.id, t.fresh()
	return m.shown(false), nil
}

// deliver sends a message, and keeps it among the sent ones where that is wanted.
func (t *Twin) deliver(c *call, m Message, keep bool) *Fault {
	all := slices.Concat(m.To, m.Cc, m.Bcc)
	if len(all) == 0 {
		return bad("ErrorInvalidRecipients", "At least one recipient is not valid., A message can't be sent because it contains no recipients.")
	}
	for _, one := range all {
		if a, err := mail.ParseAddress(one); err != nil || a.Address != one {
			return bad("ErrorInvalidRecipients", "At least one recipient is not valid., Recipient '"+one+"' is not resolved.")
		}
	}
	m.From, m.Draft, m.Read, m.Folder = c.who.Mail, false, true, "sentitems"
	if keep {
		m = *t.store(c.who.Mail, m)
	}
	for _, one := range all {
		arrived := m
		arrived.Bcc, arrived.Read, arrived.Folder = nil, false, "inbox"
		t.store(one, arrived)
	}
	return nil
}

func (t *Twin) send(c *call) (any, *Fault) {
	var in struct {
		Message written `json:"message"`
		Keep    *bool   `json:"saveToSentItems"`
	}
	if f := c.read(&in); f != nil {
		return nil, f
	}
	var m Message
	if f := in.Message.into(&m); f != nil {
		return nil, f
	}
	return nil, t.deliver(c, m, in.Keep == nil || *in.Keep)
}

func (t *Twin) sendDraft(c *call) (any, *Fault) {
	m, f := t.message(c)
	if f != nil {
		return nil, f
	}
	if !m.Draft {
		return nil, bad("ErrorInvalidOperation", "The message is no draft.")
	}
	if f := t.deliver(c, *m, true); f != nil {
		return nil, f
	}
	t.messages = slices.DeleteFunc(t.messages, func(o *Message) bool { return o == m })
	return nil, nil
}

// action is what an answer or a forward is made of.
type action struct {
	Message *written    `json:"message"`
	Comment *string     `json:"comment"`
	To      []recipient `json:"toRecipients"`
}

// quoting puts a comment above the message that is answered.
func quoting(comment string, m *Message) string {
	return comment + "\r\n\r\nFrom: " + m.From + "\r\nSubject: " + m.Subject + "\r\n\r\n" + m.text()
}

// answering makes an answer to whoever wrote a message, or to all, and sends it or
// keeps it as a draft.
func (t *Twin) answering(all, send bool) func(*call) (any, *Fault) {
	return func(c *call) (any, *Fault) {
		m, f := t.message(c)
		if f != nil {
			return nil, f
		}
		var in action
		if f := c.read(&in); f != nil {
			return nil, f
		}
		if in.To != nil || in.Comment != nil && in.Message != nil && in.Message.Body != nil {
			return nil, bad("ErrorInvalidRequest", "Either a comment or the body of the message is given, not both.")
		}
		out := Message{Conversation: m.Conversation, InReplyTo: m.ID, Subject: "RE: " + strings.TrimPrefix(m.Subject, "RE: "), Draft: true, Folder: "drafts", Kind: "text", Body: quoting("", m), Read: true}
		out.To = m.ReplyTo
		if len(out.To) == 0 && m.From != "" {
			out.To = []string{m.From}
		}
		if all {
			own := func(s string) bool { return s == c.who.Mail || slices.Contains(out.To, s) }
			out.To = append(slices.Clone(out.To), slices.DeleteFunc(slices.Clone(m.To), own)...)
			out.Cc = slices.DeleteFunc(slices.Clone(m.Cc), own)
		}
		if in.Comment != nil {
			out.Body = quoting(*in.Comment, m)
		}
		if in.Message != nil {
			if f := in.Message.into(&out); f != nil {
				return nil, f
			}
		}
		if send {
			return nil, t.deliver(c, out, true)
		}
		return t.store(c.who.Mail, out).shown(false), nil
	}
}

func (t *Twin) forward(c *call) (any, *Fault) {
	m, f := t.message(c)
	if f != nil {
		return nil, f
	}
	var in action
	if f := c.read(&in); f != nil {
		return nil, f
	}
	out := Message{Conversation: m.Conversation, InReplyTo: m.ID, Subject: "FW: " + m.Subject, Kind: "text", Files: slices.Clone(m.Files)}
	if in.Comment != nil {
		out.Body = quoting(*in.Comment, m)
	}
	for _, one := range in.To {
		out.To = append(out.To, one.Address.Address)
	}
	return nil, t.deliver(c, out, true)
}
