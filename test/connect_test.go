package test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"hotcell/test/acme/google"
)

// browser is a person's: it finds the company's services, and keeps cookies.
func (a *firm) browser(t *testing.T) *http.Client {
	t.Helper()
	text, err := os.ReadFile(a.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if _, port, err := net.SplitHostPort(address); err == nil && strings.Contains(address, ".acme.test:") {
				address = "127.0.0.1:" + port
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}
}

var requestOf = regexp.MustCompile(`name="request" value="([^"]+)"`)

// consent opens a link, signs in and answers the page of consent; it returns what
// the last page says.
func (a *firm) consent(t *testing.T, link, who, word string) string {
	t.Helper()
	b := a.browser(t)
	read := func(r *http.Response, err error) (string, *url.URL) {
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		text, _ := io.ReadAll(r.Body)
		return string(text), r.Request.URL
	}
	if page, _ := read(b.Get(link)); !strings.Contains(page, "Continue") {
		t.Fatalf("the link shows %s", page)
	}
	page, at := read(b.PostForm(link, nil))
	m := requestOf.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no page of consent at %s: %s", at, page)
	}
	page, _ = read(b.PostForm(a.Base("accounts")+"/consent", url.Values{"request": {m[1]}, "who": {who}, "answer": {word}}))
	return page
}

// openConnected is the company with a server whose connectors go to its services.
func openConnected(t *testing.T) *firm {
	t.Helper()
	a := openAcme(t, "")
	callback := "http://" + a.Address() + "/connect/callback"
	a.Register(callback)
	for _, service := range []string{"gmail", "google-sheets", "slack"} {
		if r := a.RunWith(a.ClientSecret(service)+"\n", "connections", "clients", "set", service, "--id", service+"-client", "--secret-file", "-"); r.Code != 0 || !strings.Contains(r.Err, callback) {
			t.Fatalf("%+v", r)
		}
	}
	return a
}

// connect connects an account as a person does.
func (a *firm) connect(t *testing.T, service, name, who string) {
	t.Helper()
	link := strings.TrimSpace(a.OK("connections", "create", service, "--name", name, "--no-wait"))
	if page := a.consent(t, link, who, "allow"); !strings.Contains(page, "Connected") {
		t.Fatalf("%s: %s", service, page)
	}
}

// agent is a shell that calls tools by MCP.
const agent = `mcp() { curl -sS -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -H 'Mcp-Protocol-Version: 2025-06-18' "$@" "$HOTCELL_MCP_URL"; }
session=$(mcp -D - -o /dev/null -d '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"sh","version":"1"}}}' | tr -d '\r' | sed -n 's/^[Mm]cp-[Ss]ession-[Ii]d: //p')
mcp -H "Mcp-Session-Id: $session" -d '{"jsonrpc":"2.0","method":"notifications/initialized"}'
call() { mcp -H "Mcp-Session-Id: $session" -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"$1\",\"arguments\":$2}}"; echo; }
`

func TestAnAgentWorksWithAccountsAndHasNoToken(t *testing.T) {
	t.Parallel()
	a := openConnected(t)
	a.connect(t, "gmail", "mail", "ada@acme.test")
	a.connect(t, "google-sheets", "sheets", "ada@acme.test")
	a.connect(t, "slack", "chat", "ada@acme.test")
	list := a.OK("connections", "list")
	if strings.Count(list, "ada@acme.test") != 2 || !strings.Contains(list, "ada in Acme") {
		t.Errorf("%s", list)
	}
	a.Google.Deliver("ada@acme.test", google.Mail{From: "Babbage <babbage@acme.test>", To: "ada@acme.test", Subject: "Invoice 42", MessageID: "<m1@acme.test>", Text: "Please pay 480.50", Labels: []string{"INBOX", "UNREAD"}})
	sheet := a.Google.Create("Invoices", []any{"number", "amount"})
	a.OK("assignments", "create", "books", "--command", agent+`call gmail_search '{"query":"subject:invoice is:unread"}'; call gmail_read '{"id":"18c000001"}'
call google_sheets_append '{"spreadsheet":"`+sheet+`","range":"Invoices!A1:B1","rows":[["42","480.50"]]}'
call slack_post '{"channel":"#ops","text":"invoice 42 is in the books"}'
call slack_post '{"channel":"#board","text":"not here"}'
call gmail_send '{"to":["eve@evil.test"],"subject":"x","text":"y"}'
call gmail_reply '{"id":"18c000001","text":"paid"}'; env; cat /proc/self/environ`)
	a.OK("assignments", "attach", "books", "mail", "--tools", "search,read,reply")
	a.OK("assignments", "attach", "books", "sheets", "--tools", "append,read")
	a.OK("assignments", "attach", "books", "chat", "--tools", "post", "--when", `args.channel == "#ops"`)
	r := a.Server.Run("run", "books")
	for _, want := range []string{"Please pay 480.50", "Invoices!A2", "1730000000.000100"} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("%q is not in %s %s", want, r.Out, r.Err)
		}
	}
	if rows := a.Google.Rows(sheet, "Invoices"); len(rows) != 2 {
		t.Errorf("%v", rows)
	}
	if m := a.Slack.Messages(); len(m) != 1 || m[0].Text != "invoice 42 is in the books" {
		t.Errorf("%v", m)
	}
	sent := a.Google.Sent("ada@acme.test")
	if len(sent) != 1 || sent[0].InReplyTo != "<m1@acme.test>" || sent[0].Subject != "Re: Invoice 42" || !strings.Contains(sent[0].To, "babbage@acme.test") {
		t.Errorf("%+v", sent)
	}
	log := a.OK("audit", "list", "--kind", "connection.call", "-o", "json")
	var events []struct{ Decision, Reason string }
	if err := json.Unmarshal([]byte(log), &events); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log, `"refuse"`); n < 2 {
		t.Errorf("%d refusals in the log: %s", n, log)
	}
	for _, service := range []string{"gmail", "google-sheets", "slack"} {
		a.Canaries(a.ClientSecret(service))
	}
}

func TestSayingNoConnectsNothing(t *testing.T) {
	t.Parallel()
	a := openConnected(t)
	link := strings.TrimSpace(a.OK("connections", "create", "gmail", "--name", "mail", "--no-wait"))
	if page := a.consent(t, link, "ada@acme.test", "deny"); !strings.Contains(page, "did not work") {
		t.Errorf("%s", page)
	}
	if r := a.Server.Run("connections", "show", "mail"); r.Code != 3 {
		t.Errorf("%+v", r)
	}
	// The link is over.
	b := a.browser(t)
	answer, err := b.PostForm(link, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode == http.StatusOK && answer.Request.URL.Host != a.Address() {
		t.Errorf("it leads on to %s", answer.Request.URL)
	}
}
