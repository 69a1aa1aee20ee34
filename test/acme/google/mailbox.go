package google

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	_ "github.com/emersion/go-message/charset" // parts in charsets other than UTF-8
	"github.com/emersion/go-message/mail"

	"hotcell/test/acme/account"
)

// Mail is a message in somebody's mailbox.
type Mail struct {
	ID, Thread, From, ReplyTo, To, Cc, Bcc, Subject, MessageID, InReplyTo, References, Text, HTML string
	// Date is as in RFC 5322; empty is when it came.
	Date   string
	Files  []Attachment
	Labels []string
	owner  string
	draft  string
}

// Attachment is a file within a message.
type Attachment struct {
	Name, Type string
	Content    []byte
}

// Deliver puts a message into somebody's mailbox.
func (t *Twin) Deliver(to string, m Mail) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.deliver(to, m).ID
}

func (t *Twin) deliver(to string, m Mail) *Mail {
	m.ID = fmt.Sprintf("18c%06x", len(t.mails)+1)
	if m.Thread == "" {
		m.Thread = m.ID
	}
	if m.MessageID == "" {
		m.MessageID = "<" + m.ID + "@mail.acme.test>"
	}
	if m.Date == "" {
		m.Date = time.Now().Format(time.RFC1123Z)
	}
	m.owner = to
	t.mails = append(t.mails, &m)
	return &m
}

// AddLabel gives somebody's mailbox a label of its own.
func (t *Twin) AddLabel(id, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.labels[id] = name
}

// Sent are the messages that somebody sent.
func (t *Twin) Sent(from string) []Mail { return t.labelled(from, "SENT") }

// Drafts are the messages that somebody has not sent yet.
func (t *Twin) Drafts(of string) []Mail { return t.labelled(of, "DRAFT") }

// Inbox are the messages that came to somebody.
func (t *Twin) Inbox(of string) []Mail { return t.labelled(of, "INBOX") }

func (t *Twin) labelled(owner, label string) (out []Mail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.mails {
		if m.owner == owner && slices.Contains(m.Labels, label) {
			out = append(out, *m)
		}
	}
	return out
}

// matches knows a few of the words of Gmail's searches.
func (m *Mail) matches(q string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(q)) {
		field, value, _ := strings.Cut(word, ":")
		var ok bool
		switch field {
		case "from":
			ok = strings.Contains(strings.ToLower(m.From), value)
		case "to":
			ok = strings.Contains(strings.ToLower(m.To), value)
		case "subject":
			ok = strings.Contains(strings.ToLower(m.Subject), value)
		case "has":
			ok = value == "attachment" && len(m.Files) > 0
		case "is", "in", "label":
			ok = slices.ContainsFunc(m.Labels, func(l string) bool { return strings.EqualFold(l, value) })
		default:
			ok = strings.Contains(strings.ToLower(m.Subject+" "+m.Text), word)
		}
		if !ok {
			return false
		}
	}
	return true
}

var errHeader = errors.New("a header cannot be read")

// parse reads a message (RFC 5322, MIME) as a mail service does.
func parse(raw []byte) (m Mail, err error) {
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return m, err
	}
	for name, to := range map[string]*string{
		"From": &m.From, "To": &m.To, "Cc": &m.Cc, "Bcc": &m.Bcc, "Subject": &m.Subject, "Reply-To": &m.ReplyTo, "Message-ID": &m.MessageID,
		"In-Reply-To": &m.InReplyTo, "References": &m.References, "Date": &m.Date,
	} {
		if *to, err = r.Header.Text(name); err != nil {
			return m, err
		}
	}
	if _, err := r.Header.Date(); m.Date != "" && err != nil {
		return m, errHeader
	}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		content, err := io.ReadAll(part.Body)
		if err != nil {
			return m, err
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			kind, _, err := h.ContentType()
			if err != nil {
				return m, err
			}
			if kind == "text/html" {
				m.HTML += string(content)
			} else {
				m.Text += string(content)
			}
		case *mail.AttachmentHeader:
			name, err := h.Filename()
			if err != nil {
				return m, err
			}
			kind, _, _ := h.ContentType()
			m.Files = append(m.Files, Attachment{name, kind, content})
		}
	}
}

// addresses are those of a header's text.
func addresses(texts ...string) (out []string, err error) {
	for _, text := range texts {
		if text == "" {
			continue
		}
		list, err := mail.ParseAddressList(text)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			out = append(out, a.Address)
		}
	}
	return out, nil
}

// threaded is the thread that a message goes into: the one that was asked for, where
// subject and references show that it belongs there, else one of its own.
func (t *Twin) threaded(who account.Account, m *Mail, wanted string) (string, *Fault) {
	if wanted == "" {
		return "", nil
	}
	there := false
	for _, o := range t.mails {
		if o.owner != who.Mail || o.Thread != wanted {
			continue
		}
		there = true
		if strings.EqualFold(bare(o.Subject), bare(m.Subject)) && o.MessageID != "" && strings.Contains(m.InReplyTo+" "+m.References, o.MessageID) {
			return wanted, nil
		}
	}
	if !there {
		return "", missing()
	}
	return "", nil
}

// bare is a subject without what answers and forwards put before it.
func bare(subject string) string {
	for {
		s := strings.TrimSpace(subject)
		if len(s) > 3 && strings.EqualFold(s[:3], "re:") {
			subject = s[3:]
			continue
		}
		return s
	}
}
