package connector_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotcell/internal/catalog/connector"
)

func TestEveryDocumentLintsClean(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("documents/*.yaml")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d documents, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range connector.Lint(text) {
			if filepath.Base(f) == "http.yaml" && p.Path == "/advise" {
				continue // any host
			}
			t.Errorf("%s: %s", f, p)
		}
	}
}

// TestToolsSpeakAsTheirServicesDocument makes requests of representative
// arguments, and compares them with what the services' own documentation shows.
func TestToolsSpeakAsTheirServicesDocument(t *testing.T) {
	t.Parallel()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ slug, tool, args, method, url, body string }{
		{"gmail", "search", `{"query":"from:ada@acme.com is:unread","limit":5}`, "GET", "https://gmail.googleapis.com/gmail/v1/users/me/messages?maxResults=5&q=from%3Aada%40acme.com%20is%3Aunread", ""},
		{"gmail", "label", `{"id":"18c","remove":["UNREAD"]}`, "POST", "https://gmail.googleapis.com/gmail/v1/users/me/messages/18c/modify", `{"addLabelIds":[],"removeLabelIds":["UNREAD"]}`},
		{"google-sheets", "append", `{"spreadsheet":"1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms","range":"Sheet1!A1:B2","rows":[["a",1],[true,null]]}`, "POST", "https://sheets.googleapis.com/v4/spreadsheets/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/values/Sheet1%21A1:B2:append?insertDataOption=INSERT_ROWS&valueInputOption=RAW", `{"majorDimension":"ROWS","values":[["a",1],[true,null]]}`},
		{"google-calendar", "update", `{"id":"e1","title":"x"}`, "PATCH", "https://www.googleapis.com/calendar/v3/calendars/primary/events/e1?sendUpdates=none", `{"summary":"x"}`},
		{"slack", "post", `{"channel":"#ops","text":"hi"}`, "POST", "https://slack.com/api/chat.postMessage", `{"channel":"#ops","text":"hi","unfurl_links":false,"unfurl_media":false}`},
		{"slack", "history", `{"channel":"C0123456","thread":"1503435956.000247"}`, "GET", "https://slack.com/api/conversations.replies?channel=C0123456&limit=50&ts=1503435956.000247", ""},
		{"hubspot", "search_contacts", `{"query":"ada","limit":1}`, "POST", "https://api.hubapi.com/crm/v3/objects/contacts/search", `{"limit":1,"properties":["firstname","lastname","email","phone","company","jobtitle"],"query":"ada"}`},
		{"hubspot", "update_deal", `{"id":"42","properties":{"amount":"100"}}`, "PATCH", "https://api.hubapi.com/crm/v3/objects/deals/42", `{"properties":{"amount":"100"}}`},
		{"github", "file", `{"owner":"acme","repo":"app","path":["src","a b.go"],"ref":"main"}`, "GET", "https://api.github.com/repos/acme/app/contents/src/a%20b.go?ref=main", ""},
		{"github", "write_file", `{"owner":"acme","repo":"app","path":["x"],"text":"hé","message":"m"}`, "PUT", "https://api.github.com/repos/acme/app/contents/x", `{"content":"aMOp","message":"m"}`},
		{"notion", "create", `{"parent":"59833787-2cf9-4fdf-8782-e53db20768a5","title":"T","paragraphs":["p"]}`, "POST", "https://api.notion.com/v1/pages", `{"children":[{"object":"block","paragraph":{"rich_text":[{"text":{"content":"p"},"type":"text"}]},"type":"paragraph"}],"parent":{"page_id":"59833787-2cf9-4fdf-8782-e53db20768a5"},"properties":{"title":[{"text":{"content":"T"}}]}}`},
		{"stripe", "refund", `{"payment":"pi_1234567890","amount":500}`, "POST", "https://api.stripe.com/v1/refunds", `amount=500&payment_intent=pi_1234567890`},
		{"microsoft-mail", "reply", `{"id":"AAMkAGI2THVSAAA=","text":"ok"}`, "POST", "https://graph.microsoft.com/v1.0/me/messages/AAMkAGI2THVSAAA=/reply", `{"comment":"ok","message":{}}`},
		{"google-drive", "share", `{"id":"file_12345","mail":"a@acme.com"}`, "POST", "https://www.googleapis.com/drive/v3/files/file_12345/permissions?sendNotificationEmail=true&supportsAllDrives=true", `{"emailAddress":"a@acme.com","role":"reader","type":"user"}`},
	} {
		of, _ := catalog.Find(c.slug)
		tool, ok := of.Tool(c.tool)
		if !ok {
			t.Errorf("%s has no tool %s", c.slug, c.tool)
			continue
		}
		args, err := tool.Check(t.Context(), json.RawMessage(c.args))
		if err != nil {
			t.Errorf("%s %s: %v", c.slug, c.tool, err)
			continue
		}
		q, err := tool.Begin(of, connector.Input{Args: args, Now: time.Now()}).Next(t.Context())
		if err != nil {
			t.Errorf("%s %s: %v", c.slug, c.tool, err)
			continue
		}
		if q.Method != c.method || q.URL.String() != c.url || string(q.Body) != c.body {
			t.Errorf("%s %s: %s %s\n%s", c.slug, c.tool, q.Method, q.URL, q.Body)
		}
	}
}

// TestAnswersAreSelected feeds answers as the services document them.
func TestAnswersAreSelected(t *testing.T) {
	t.Parallel()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ slug, tool, args, answer, want string }{
		{"gmail", "read", `{"id":"1"}`, `{"id":"1","threadId":"t","labelIds":["INBOX"],"payload":{"mimeType":"multipart/mixed","headers":[{"name":"From","value":"Ada <ada@acme.test>"},{"name":"Subject","value":"Hi"}],"parts":[{"mimeType":"text/plain","filename":"","body":{"size":5,"data":"aGVsbG8"}},{"mimeType":"application/pdf","filename":"a.pdf","body":{"attachmentId":"A1","size":9}}]}}`,
			`{"attachments":[{"id":"A1","name":"a.pdf","size":9,"type":"application/pdf"}],"cc":"","date":"","from":"Ada <ada@acme.test>","id":"1","labels":["INBOX"],"message_id":"","subject":"Hi","text":"hello","thread":"t","to":""}`},
		{"slack", "channels", `{}`, `{"ok":true,"channels":[{"id":"C1","name":"ops","is_member":true,"topic":{"value":"all"}}],"response_metadata":{"next_cursor":""}}`, `{"channels":[{"id":"C1","member":true,"name":"ops","private":false,"topic":"all"}]}`},
		{"github", "issues", `{"owner":"a","repo":"b"}`, `[{"number":1,"title":"T","state":"open","user":{"login":"ada"},"labels":[{"name":"bug"}],"html_url":"u"},{"number":2,"pull_request":{}}]`, `{"issues":[{"labels":["bug"],"number":1,"state":"open","title":"T","url":"u","user":"ada"}]}`},
		{"linear", "search", `{"query":"x"}`, `{"data":{"searchIssues":{"nodes":[{"id":"1","identifier":"E-1","title":"T","url":"u","priority":1,"updatedAt":"t","state":{"name":"S"},"assignee":null,"labels":{"nodes":[{"name":"bug"}]}}],"pageInfo":{"hasNextPage":false}}}}`, `{"issues":[{"assignee":null,"id":"1","identifier":"E-1","labels":["bug"],"priority":1,"state":"S","title":"T","updated":"t","url":"u"}]}`},
		{"stripe", "customers", `{}`, `{"data":[{"id":"cus_1","email":"a@b.c","secret":"x"}],"has_more":false}`, `{"customers":[{"email":"a@b.c","id":"cus_1"}]}`},
		{"microsoft-mail", "search", `{"query":"x"}`, `{"value":[{"id":"1","conversationId":"c","subject":"S","from":{"emailAddress":{"address":"a@b.c"}},"receivedDateTime":"2026-01-01T00:00:00Z","bodyPreview":"p","isRead":false,"hasAttachments":false}]}`, `{"messages":[{"at":"2026-01-01T00:00:00Z","attachments":false,"conversation":"c","from":"a@b.c","id":"1","preview":"p","read":false,"subject":"S"}]}`},
		{"hubspot", "search_deals", `{"limit":1}`, `{"results":[{"id":"7","properties":{"dealname":"D"}}],"paging":{"next":{"after":"1"}}}`, `{"cursor":"0.1","deals":[{"id":"7","properties":{"dealname":"D"}}],"more":true}`},
	} {
		of, _ := catalog.Find(c.slug)
		tool, _ := of.Tool(c.tool)
		args, err := tool.Check(t.Context(), json.RawMessage(c.args))
		if err != nil {
			t.Fatal(err)
		}
		r := tool.Begin(of, connector.Input{Args: args, Now: time.Now()})
		r.Reads(connector.Here)
		next(t, r)
		answer(t, r, c.answer)
		if got := result(t, r); got != c.want {
			t.Errorf("%s %s: %s", c.slug, c.tool, got)
		}
	}
}
