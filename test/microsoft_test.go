package test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hotcell/test/acme/account"
	"hotcell/test/acme/microsoft"
)

// graphCalls are a call of each tool of Microsoft mail, and what the twin has then.
func graphCalls(twin *microsoft.Twin) []toolCall {
	first := twin.Deliver(ada, microsoft.Message{
		From: "babbage@acme.test", ReplyTo: []string{"accounts@acme.test"}, To: []string{ada, "bob@acme.test"}, Cc: []string{"carol@acme.test"}, Subject: `Invoice "42"`,
		Kind: "html", Body: "<p>Ein Betrag von 480,50 &euro;</p>", Conversation: "AAQkInvoice=",
		Files: []microsoft.File{{Name: "logo.png", Type: "image/png", Content: picture(), Inline: true}, {Name: "r.pdf", Type: pdf, Content: append([]byte("%PDF "), picture()...)}, {Name: "mail", Type: "message/rfc822", Content: []byte("Subject: within\r\n\r\ntext"), Item: true}},
	})
	bare := twin.Deliver(ada, microsoft.Message{Folder: "drafts", Draft: true, Body: "not yet"})
	archive := twin.AddFolder("Invoices", "inbox")
	moved := first
	message := func() map[string]any {
		return map[string]any{
			"to": []string{"bob@acme.test"}, "cc": []string{"carol@acme.test"}, "bcc": []string{"dave@acme.test"}, "subject": "Größe", "text": invoice,
			"attachments": []map[string]any{{"name": "bild ä.png", "type": "image/png", "base64": coded(picture())}, {"name": "a.txt", "base64": coded([]byte("text"))}},
		}
	}
	whole := func(t *testing.T, m microsoft.Message) {
		t.Helper()
		if len(m.Files) != 2 || m.Files[0].Name != "bild ä.png" || !bytes.Equal(m.Files[0].Content, picture()) || string(m.Files[1].Content) != "text" || m.Files[1].Type != "application/octet-stream" {
			t.Errorf("%d files: %.300v", len(m.Files), m.Files)
		}
		if !slices.Equal(m.Bcc, []string{"dave@acme.test"}) {
			t.Errorf("bcc %q", m.Bcc)
		}
	}
	last := func(t *testing.T, list []microsoft.Message) microsoft.Message {
		t.Helper()
		if len(list) == 0 {
			t.Fatal("there is no message")
		}
		return list[len(list)-1]
	}
	answer := func(id string) map[string]any {
		out := message()
		delete(out, "to")
		delete(out, "subject")
		out["id"], out["all"], out["cc"] = id, true, []string{"erin@acme.test"}
		return out
	}
	answers := func(t *testing.T, m microsoft.Message) {
		t.Helper()
		whole(t, m)
		if m.InReplyTo != first || m.Conversation != "AAQkInvoice=" || m.Subject != `RE: Invoice "42"` || !slices.Equal(m.To, []string{"accounts@acme.test", "bob@acme.test"}) || !slices.Equal(m.Cc, []string{"carol@acme.test", "erin@acme.test"}) {
			t.Errorf("%q %q %q to %q cc %q", m.InReplyTo, m.Conversation, m.Subject, m.To, m.Cc)
		}
		if !strings.HasPrefix(m.Body, invoice) || !strings.Contains(m.Body, "480,50 €") {
			t.Errorf("%q", m.Body)
		}
	}
	attachment := func(i int, wants ...string) []toolCall {
		args := map[string]any{"message": first}
		return []toolCall{
			{tool: "microsoft_mail_read", args: map[string]any{"id": first}, then: func(t *testing.T, answer string) { args["attachment"] = field(t, answer, "attachments", i, "id") }},
			{tool: "microsoft_mail_attachment", args: args, wants: wants},
		}
	}
	return slices.Concat([]toolCall{
		{tool: "microsoft_mail_search", args: map[string]any{"query": `from:babbage subject:"invoice" "42"`}, wants: []string{first, "babbage@acme.test", "AAQkInvoice="}},
		{tool: "microsoft_mail_search", args: map[string]any{"query": `nothing \ "`}, wants: []string{`"messages":[]`}},
		{tool: "microsoft_mail_list", wants: []string{first, bare, `"from":""`}},
		{tool: "microsoft_mail_list", args: map[string]any{"folder": "inbox", "unread": true, "since": "2025-01-01T00:00:00Z"}, wants: []string{first}},
		{tool: "microsoft_mail_read", args: map[string]any{"id": first}, wants: []string{"Ein Betrag von 480,50 €", "r.pdf", "logo.png", `"isInline":true`, "carol@acme.test"}},
		{tool: "microsoft_mail_read", args: map[string]any{"id": bare}, wants: []string{`"text":"not yet"`, `"from":""`, `"draft":true`}},
		{tool: "microsoft_mail_folders", wants: []string{"Inbox", "Archive", `"folders":1`, `"unread":1`}},
		{tool: "microsoft_mail_folders", args: map[string]any{"folder": "inbox"}, wants: []string{archive, "Invoices"}},
		{tool: "microsoft_mail_draft", args: message(), then: func(t *testing.T, _ string) {
			m := last(t, twin.In(ada, "drafts"))
			if whole(t, m); m.Subject != "Größe" || m.Kind != "text" || m.Body != invoice || !m.Draft || len(twin.Sent(ada)) != 0 {
				t.Errorf("%+v", m)
			}
		}},
		{tool: "microsoft_mail_send", args: message(), then: func(t *testing.T, _ string) {
			whole(t, last(t, twin.Sent(ada)))
			for _, who := range []string{"bob@acme.test", "carol@acme.test", "dave@acme.test"} {
				if m := last(t, twin.In(who, "inbox")); m.Bcc != nil || m.Body != invoice {
					t.Errorf("%s got %+v", who, m)
				}
			}
		}},
		{tool: "microsoft_mail_send", args: map[string]any{"to": []string{"bob@acme.test"}, "subject": "h", "text": "t", "html": "<b>t</b>"}, then: func(t *testing.T, _ string) {
			if m := last(t, twin.In("bob@acme.test", "inbox")); m.Kind != "html" || m.Body != "<b>t</b>" || m.Files != nil {
				t.Errorf("%+v", m)
			}
		}},
		{tool: "microsoft_mail_draft_reply", args: answer(first), then: func(t *testing.T, _ string) { answers(t, last(t, twin.In(ada, "drafts"))) }},
		{tool: "microsoft_mail_reply", args: answer(first), then: func(t *testing.T, _ string) { answers(t, last(t, twin.Sent(ada))) }},
		{tool: "microsoft_mail_reply", args: map[string]any{"id": first, "text": "t", "html": "<i>paid</i>", "cc": []string{"erin@acme.test"}}, then: func(t *testing.T, _ string) {
			if m := last(t, twin.Sent(ada)); !slices.Equal(m.To, []string{"accounts@acme.test"}) || !slices.Equal(m.Cc, []string{"erin@acme.test"}) || m.Body != "<i>paid</i>" || m.Kind != "html" {
				t.Errorf("%+v", m)
			}
		}},
		{tool: "microsoft_mail_conversation", args: map[string]any{"conversation": "AAQkInvoice="}, wants: []string{"paid", "480,50 €"}, then: func(t *testing.T, answer string) {
			if field(t, answer, "messages", 0, "id") != first {
				t.Errorf("%s is not the first of %s", first, answer)
			}
		}},
		{tool: "microsoft_mail_mark", args: map[string]any{"id": first}, wants: []string{`"read":true`}, then: func(t *testing.T, _ string) {
			if m := twin.In(ada, "inbox"); !m[0].Read {
				t.Error("it is not read")
			}
		}},
		{tool: "microsoft_mail_mark", args: map[string]any{"id": first, "read": false}, wants: []string{`"read":false`}},
	}, attachment(1, pdf, coded(append([]byte("%PDF "), picture()...))), attachment(0, `"type":"image"`, coded(picture())), attachment(2, "Subject: within"), []toolCall{
		{tool: "microsoft_mail_move", args: map[string]any{"id": first, "folder": archive}, then: func(t *testing.T, answer string) {
			moved, _ = field(t, answer, "id").(string)
			if m := twin.In(ada, archive); len(m) != 1 || m[0].ID != moved || moved == first {
				t.Errorf("%v", m)
			}
		}},
	})
}

func TestEveryToolOfMicrosoftMail(t *testing.T) {
	t.Parallel()
	a := openConnected(t)
	c := a.hire(t, "microsoft-mail")
	c.does(t, "microsoft-mail", graphCalls(a.Microsoft))
	for i := range 70 {
		a.Microsoft.Deliver(ada, microsoft.Message{From: "list@acme.test", Subject: "Newsletter", Body: fmt.Sprint("number ", i), Folder: "archive"})
	}
	a.Microsoft.Pages(12) // so that a limit is reached within a page, after others
	c.pages(t, "microsoft_mail_list", map[string]any{"folder": "archive", "limit": 30}, "messages", 70)
	c.pages(t, "microsoft_mail_search", map[string]any{"query": "newsletter", "limit": 30}, "messages", 70)
	c.fails(t, []failure{
		{"microsoft_mail_read", map[string]any{"id": "AAMkAGI2THVSAAA-none="}, nil, []string{"404", "The specified object was not found in the store."}},
		{"microsoft_mail_read", map[string]any{"id": "AAMkAGI2/../../users"}, nil, []string{`"code":"invalid"`}},
		{"microsoft_mail_send", map[string]any{"to": []string{"nobody"}, "subject": "s", "text": "t"}, nil, []string{"Recipient 'nobody' is not resolved", `"retryable":false`}},
		{"microsoft_mail_move", map[string]any{"id": a.Microsoft.In(ada, "archive")[0].ID, "folder": "nowhere"}, nil, []string{"not found"}},
		{"microsoft_mail_list", nil, func() { a.Microsoft.Limit(1) }, []string{`"code":"rate_limited"`, `"retryable":true`, `"retry_after":10`, "MailboxConcurrency"}},
		{"microsoft_mail_list", nil, func() {
			a.Microsoft.Refuse(microsoft.Fault{Status: 403, Code: "ErrorAccessDenied", Message: "Access is denied. Check credentials and try again."})
		}, []string{"Access is denied", `"retryable":false`}},
	})
}

func TestScopesOfMicrosoftMail(t *testing.T) {
	t.Parallel()
	var twin *microsoft.Twin
	scoped(t, "microsoft-mail", "graph.acme.test", func(check account.Check) http.Handler {
		twin = microsoft.New(check)
		return twin
	}, func() []toolCall { return graphCalls(twin) })
}
