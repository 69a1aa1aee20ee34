package microsoft

import (
	"encoding/base64"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Message is one in somebody's mailbox.
type Message struct {
	ID, Conversation, Subject string
	// From is empty for a draft that nobody wrote a sender into.
	From        string
	To, Cc, Bcc []string
	ReplyTo     []string
	Kind, Body  string // Kind is "text" or "html"
	Files       []File
	Folder      string
	Read, Draft bool
	InReplyTo   string // the id of the message that this one answers
	at          time.Time
	owner       string
}

// File is one that is attached. One that is itself a message has Item set.
type File struct {
	Name, Type string
	Content    []byte
	Inline     bool
	Item       bool
}

// folder is one for mail; parent is the id of the one that it lies in.
type folder struct{ id, name, known, parent string }

// usual are the folders that every mailbox has.
var usual = []folder{
	{"AAMkFolderInbox==", "Inbox", "inbox", ""}, {"AAMkFolderDrafts==", "Drafts", "drafts", ""}, {"AAMkFolderSent==", "Sent Items", "sentitems", ""},
	{"AAMkFolderDeleted==", "Deleted Items", "deleteditems", ""}, {"AAMkFolderArchive==", "Archive", "archive", ""}, {"AAMkFolderJunk==", "Junk Email", "junkemail", ""},
}

// AddFolder makes a folder below one with a well-known name, and returns its id.
func (t *Twin) AddFolder(name, below string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	parent, _ := t.folder(below)
	id := fmt.Sprintf("AAMkFolder%04d==", len(t.folders))
	t.folders = append(t.folders, folder{id, name, "", parent.id})
	return id
}

func (t *Twin) folder(name string) (folder, bool) {
	for _, f := range t.folders {
		if f.id == name || f.known != "" && f.known == strings.ToLower(name) {
			return f, true
		}
	}
	return folder{}, false
}

// Deliver puts a message into somebody's mailbox; into the inbox without a word.
func (t *Twin) Deliver(to string, m Message) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.store(to, m).ID
}

func (t *Twin) store(owner string, m Message) *Message {
	t.made++
	m.ID = t.fresh()
	if m.Conversation == "" {
		m.Conversation = fmt.Sprintf("AAQkConversation%06d=", t.made)
	}
	if m.Folder == "" {
		m.Folder = "inbox"
	}
	if f, ok := t.folder(m.Folder); ok {
		m.Folder = f.id
	}
	if m.Kind == "" {
		m.Kind = "text"
	}
	m.owner, m.at = owner, time.Date(2026, 1, 2, 3, 0, t.made, 0, time.UTC)
	t.messages = append(t.messages, &m)
	return &m
}

// fresh is an id that no message has: one that is moved gets another.
func (t *Twin) fresh() string {
	t.made++
	return fmt.Sprintf("AAMkAGI2THVSAAA-%08d_=", t.made)
}

// In are the messages in one of somebody's folders, by its well-known name or id.
func (t *Twin) In(owner, name string) (out []Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, _ := t.folder(name)
	for _, m := range t.messages {
		if m.owner == owner && m.Folder == f.id {
			out = append(out, *m)
		}
	}
	return out
}

// Sent are the messages that somebody sent.
func (t *Twin) Sent(by string) []Message { return t.In(by, "sentitems") }

var tag = regexp.MustCompile(`<[^>]*>`)

// text is a message's body as text.
func (m *Message) text() string {
	if m.Kind == "html" {
		return html.UnescapeString(tag.ReplaceAllString(m.Body, ""))
	}
	return m.Body
}

func person(mail string) map[string]any {
	name, _, _ := strings.Cut(mail, "@")
	return map[string]any{"emailAddress": map[string]any{"name": name, "address": mail}}
}

func people(list []string) []any {
	out := []any{}
	for _, mail := range list {
		out = append(out, person(mail))
	}
	return out
}

// shown is a message with all that may be selected.
func (m *Message) shown(text bool) map[string]any {
	body := map[string]any{"contentType": m.Kind, "content": m.Body}
	switch {
	case text:
		body = map[string]any{"contentType": "text", "content": m.text()}
	case m.Kind == "text":
		body = map[string]any{"contentType": "html", "content": "<html><body>" + html.EscapeString(m.Body) + "</body></html>"}
	}
	files := slices.ContainsFunc(m.Files, func(f File) bool { return !f.Inline })
	preview := strings.ToValidUTF8(m.text()[:min(len(m.text()), 255)], "")
	out := map[string]any{
		"id": m.ID, "conversationId": m.Conversation, "subject": m.Subject, "toRecipients": people(m.To), "ccRecipients": people(m.Cc), "bccRecipients": people(m.Bcc),
		"replyTo": people(m.ReplyTo), "body": body, "bodyPreview": preview, "isRead": m.Read, "isDraft": m.Draft, "hasAttachments": files, "parentFolderId": m.Folder,
		"receivedDateTime": m.at.Format(time.RFC3339), "sentDateTime": m.at.Format(time.RFC3339), "webLink": "https://outlook.office365.com/owa/?ItemID=" + m.ID,
		"internetMessageId": "<" + m.ID + "@acme.test>", "importance": "normal",
	}
	if m.From != "" { // a draft has none
		out["from"], out["sender"] = person(m.From), person(m.From)
	}
	return out
}

// selectable are the names that $select takes.
func selectable() map[string]any {
	return (&Message{From: "x@y"}).shown(false)
}

func (m *Message) attachment(i int) map[string]any {
	f := m.Files[i]
	out := map[string]any{
		"@odata.type": "#microsoft.graph.fileAttachment", "id": fmt.Sprintf("%s%04d=", strings.TrimRight(m.ID, "="), i), "name": f.Name, "contentType": f.Type,
		"size": len(f.Content) + 200, "isInline": f.Inline, "lastModifiedDateTime": m.at.Format(time.RFC3339),
	}
	if f.Item {
		out["@odata.type"], out["contentType"] = "#microsoft.graph.itemAttachment", nil
		return out
	}
	out["contentBytes"] = base64.StdEncoding.EncodeToString(f.Content)
	return out
}
