package test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/test/acme/google"
)

const (
	ada     = "ada@acme.test"
	invoice = "Guten Tag, ein Betrag von 480,50 € ist zu überweisen.\r\nMit Gruß"
)

// inHalfAMinute is a time as Google writes it.
func inHalfAMinute() string {
	return time.Now().Add(30 * time.Second).UTC().Format("2006-01-02T15:04:05.000Z")
}

// picture is a file with bytes of all kinds.
func picture() []byte {
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	for i := range 3000 {
		out.WriteByte(byte(i * 7))
	}
	return out.Bytes()
}

func coded(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// lines has a text's ends of line be those of a mail.
func lines(s string) string {
	return strings.TrimRight(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n"), "\r\n")
}

// gmailCalls are a call of each tool of Gmail, and what the twin has then.
func gmailCalls(twin *google.Twin) []toolCall {
	first := twin.Deliver(ada, google.Mail{
		From: `"Babbage, Charles" <babbage@acme.test>`, ReplyTo: "accounts@acme.test", To: "Ada <ada@acme.test>, Bob <bob@acme.test>", Cc: "carol@acme.test, xada@acme.test",
		Subject: "Invoice 42", MessageID: "<m1@acme.test>", References: "<m0@acme.test>", Text: invoice, HTML: "<p>" + invoice + "</p>", Labels: []string{"INBOX", "UNREAD"},
		Files: []google.Attachment{{Name: "Rechnung Nr. 42.png", Type: "image/png", Content: picture()}},
	})
	odd := twin.Deliver(ada, google.Mail{From: "Byron, Lord (London office) <byron@acme.test>", To: ada, Subject: "re: Ode", Text: "?", Labels: []string{"INBOX"}})
	twin.AddLabel("Label_7", "Invoices")
	message := func() map[string]any {
		return map[string]any{
			"to": []string{"Bob <bob@acme.test>"}, "cc": []string{"carol@acme.test"}, "bcc": []string{"dave@acme.test"}, "subject": "Größe, \"quoted\"\r\nX-Evil: 1", "text": invoice,
			"html": "<b>" + invoice + "</b>", "attachments": []map[string]any{{"name": "bild ä.png", "type": "image/png", "base64": coded(picture())}, {"name": "a.txt", "type": "text/plain", "base64": coded([]byte("text"))}},
		}
	}
	answer := func() map[string]any {
		out := message()
		delete(out, "to")
		delete(out, "subject")
		out["id"], out["all"] = first, true
		return out
	}
	whole := func(t *testing.T, m google.Mail) {
		t.Helper()
		if lines(m.Text) != lines(invoice) || lines(m.HTML) != lines("<b>"+invoice+"</b>") {
			t.Errorf("the texts are %q and %q", m.Text, m.HTML)
		}
		if len(m.Files) != 2 || m.Files[0].Name != "bild ä.png" || m.Files[0].Type != "image/png" || !bytes.Equal(m.Files[0].Content, picture()) || string(m.Files[1].Content) != "text" {
			t.Errorf("%d files: %.300v", len(m.Files), m.Files)
		}
		if !strings.Contains(m.Cc, "carol@acme.test") || !strings.Contains(m.Bcc, "dave@acme.test") {
			t.Errorf("cc %q, bcc %q", m.Cc, m.Bcc)
		}
	}
	last := func(t *testing.T, list []google.Mail) google.Mail {
		t.Helper()
		if len(list) == 0 {
			t.Fatal("there is no message")
		}
		return list[len(list)-1]
	}
	answers := func(t *testing.T, m google.Mail) {
		t.Helper()
		whole(t, m)
		if m.Thread != first || m.Subject != "Re: Invoice 42" || m.InReplyTo != "<m1@acme.test>" || m.References != "<m0@acme.test> <m1@acme.test>" {
			t.Errorf("not in the thread: %q %q %q %q", m.Thread, m.Subject, m.InReplyTo, m.References)
		}
		if m.To != "<accounts@acme.test>, \"Bob\" <bob@acme.test>" || strings.Contains(m.To+m.Cc, "<ada@") || !strings.Contains(m.Cc, "xada@acme.test") || strings.Count(m.Cc, "carol@") != 1 {
			t.Errorf("to %q, cc %q", m.To, m.Cc)
		}
	}
	attachment := map[string]any{"message": first, "type": "image/png", "name": "42.png"}
	return []toolCall{
		{tool: "gmail_search", args: map[string]any{"query": "subject:invoice is:unread"}, wants: []string{first}},
		{tool: "gmail_search", args: map[string]any{"query": "subject:nothing"}, wants: []string{`"messages":[]`}},
		{tool: "gmail_read", args: map[string]any{"id": first}, wants: []string{"480,50 €", "Rechnung Nr. 42.png", "babbage@acme.test"}, then: func(t *testing.T, answer string) {
			if field(t, answer, "text") != invoice {
				t.Errorf("the text is %q", field(t, answer, "text"))
			}
			attachment["attachment"] = field(t, answer, "attachments", 0, "id")
		}},
		{tool: "gmail_read_attachment", args: attachment, wants: []string{`"type":"image"`, coded(picture())}},
		{tool: "gmail_labels", wants: []string{"Label_7", "Invoices", "INBOX"}},
		{tool: "gmail_label", args: map[string]any{"id": first, "add": []string{"STARRED", "Label_7"}, "remove": []string{"UNREAD"}}, then: func(t *testing.T, _ string) {
			if m := twin.Inbox(ada); !slices.Equal(m[0].Labels, []string{"INBOX", "STARRED", "Label_7"}) {
				t.Errorf("%v", m[0].Labels)
			}
		}},
		{tool: "gmail_draft", args: message(), then: func(t *testing.T, _ string) {
			m := last(t, twin.Drafts(ada))
			if whole(t, m); !strings.HasPrefix(m.Subject, `Größe, "quoted"`) || strings.Contains(m.Subject, "\n") || len(twin.Sent(ada)) != 0 {
				t.Errorf("%q", m.Subject)
			}
		}},
		{tool: "gmail_send", args: message(), then: func(t *testing.T, _ string) {
			whole(t, last(t, twin.Sent(ada)))
			for _, who := range []string{"bob@acme.test", "carol@acme.test", "dave@acme.test"} {
				if m := last(t, twin.Inbox(who)); m.Bcc != "" || lines(m.Text) != lines(invoice) {
					t.Errorf("%s got bcc %q, %q", who, m.Bcc, m.Text)
				}
			}
		}},
		{tool: "gmail_send", args: map[string]any{"to": []string{"bob@acme.test"}, "subject": "short", "text": "ok"}, then: func(t *testing.T, _ string) {
			if m := last(t, twin.Inbox("bob@acme.test")); lines(m.Text) != "ok" || m.HTML != "" || m.Files != nil {
				t.Errorf("%+v", m)
			}
		}},
		{tool: "gmail_draft_reply", args: answer(), wants: []string{first}, then: func(t *testing.T, _ string) { answers(t, last(t, twin.Drafts(ada))) }},
		{tool: "gmail_reply", args: answer(), then: func(t *testing.T, _ string) { answers(t, last(t, twin.Sent(ada))) }},
		{tool: "gmail_reply", args: map[string]any{"id": first, "text": "paid"}, then: func(t *testing.T, _ string) {
			if m := last(t, twin.Sent(ada)); m.To != "<accounts@acme.test>" || m.Cc != "" || lines(m.Text) != "paid" || m.Thread != first {
				t.Errorf("%+v", m)
			}
		}},
		{tool: "gmail_reply", args: map[string]any{"id": odd, "text": "yes"}, then: func(t *testing.T, _ string) {
			if m := last(t, twin.Sent(ada)); !strings.HasSuffix(m.To, "<byron@acme.test>") || strings.Contains(m.To, ">,") || m.Subject != "re: Ode" || m.Thread != odd {
				t.Errorf("%+v", m)
			}
		}},
		// An answer to what one sent oneself goes where that went.
		{tool: "gmail_reply", args: map[string]any{"text": "one more thing"}, fill: func(args map[string]any) { args["id"] = twin.Sent(ada)[0].ID }, then: func(t *testing.T, _ string) {
			if m := last(t, twin.Sent(ada)); !strings.Contains(m.To, "bob@acme.test") || strings.Contains(m.To, "ada@") || m.Thread != twin.Sent(ada)[0].Thread {
				t.Errorf("%+v", m)
			}
		}},
		{tool: "gmail_read_thread", args: map[string]any{"thread": first}, wants: []string{"paid", "480,50 €"}, then: func(t *testing.T, answer string) {
			if list, _ := field(t, answer, "messages").([]any); len(list) < 4 {
				t.Errorf("%d messages", len(list))
			}
		}},
	}
}

func TestEveryToolOfGmail(t *testing.T) {
	t.Parallel()
	a := openConnected(t)
	c := a.hire(t, "gmail")
	c.does(t, "gmail", gmailCalls(a.Google))
	for i := range 150 {
		a.Google.Deliver(ada, google.Mail{From: "list@acme.test", Subject: "Newsletter", Text: fmt.Sprint("number ", i), Labels: []string{"INBOX"}})
	}
	a.Google.Pages(25) // so that a limit is reached within a page, after others
	c.pages(t, "gmail_search", map[string]any{"query": "subject:newsletter", "limit": 60}, "messages", 150)
	c.fails(t, []failure{
		{"gmail_read", map[string]any{"id": "18cffffff"}, nil, []string{"404", "Requested entity was not found"}},
		{"gmail_label", map[string]any{"id": "18c000001", "add": []string{"Label_99"}}, nil, []string{"Invalid label: Label_99"}},
		{"gmail_search", nil, func() { a.Google.Limit(1) }, []string{`"code":"rate_limited"`, `"retryable":true`, `"retry_after":20`}},
		{"gmail_search", nil, func() {
			a.Google.Refuse(google.Fault{Code: 403, Status: "PERMISSION_DENIED", Reason: "userRateLimitExceeded", Message: "User-rate limit exceeded.  Retry after " + inHalfAMinute()})
		}, []string{`"code":"rate_limited"`, `"retryable":true`, `"retry_after":3`}},
		{"gmail_search", nil, func() {
			a.Google.Refuse(google.Fault{Code: 403, Status: "PERMISSION_DENIED", Reason: "insufficientPermissions", Message: "Request had insufficient authentication scopes."})
		}, []string{"insufficient authentication scopes", `"retryable":false`}},
	})
}

func TestScopesOfGmail(t *testing.T) {
	t.Parallel()
	googleScopes(t, "gmail", "gmail.acme.test", gmailCalls)
}

// TestAConnectionThatMaySendAlone is asked for one scope of mail, and has no more.
func TestAConnectionThatMaySendAlone(t *testing.T) {
	t.Parallel()
	a := openConnected(t)
	link := strings.TrimSpace(a.OK("connections", "create", "gmail", "--name", "out", "--tools", "send", "--no-wait"))
	if page := a.consent(t, link, ada, "allow"); !strings.Contains(page, "Connected") {
		t.Fatalf("%s", page)
	}
	if list := a.OK("connections", "list"); !strings.Contains(list, ada) {
		t.Errorf("%s", list)
	}
	a.OK("assignments", "create", "mail", "--command", agent+`call gmail_send '{"to":["bob@acme.test"],"subject":"s","text":"t"}'; call gmail_search '{}'`)
	a.OK("assignments", "attach", "mail", "out", "--tools", "send")
	if r := a.Server.Run("assignments", "attach", "mail", "out", "--tools", "send,search"); r.Code == 0 || !strings.Contains(r.Err, "gmail.readonly") {
		t.Errorf("%+v", r)
	}
	r := a.Server.Run("run", "mail")
	if len(a.Google.Sent(ada)) != 1 || !strings.Contains(r.Out, "unknown tool") {
		t.Errorf("%s", r.Out)
	}
}
