package google_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotcell/test/acme/account"
	"hotcell/test/acme/google"
)

// all are the scopes of everything.
var all = []string{
	"openid", "https://mail.google.com/", "https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive", "https://www.googleapis.com/auth/calendar",
}

func ask(t *testing.T, scopes []string, method, address, body string) (int, string) {
	t.Helper()
	twin := google.New(func(r *http.Request) (account.Account, bool) {
		return account.Account{ID: "U1", Name: "Ada", Mail: "ada@acme.test", Scopes: scopes}, r.Header.Get("Authorization") == "Bearer known"
	})
	for range 3 {
		twin.Deliver("ada@acme.test", google.Mail{Subject: "s", Text: "t"})
		twin.Store("ada@acme.test", google.File{Name: "f", Type: "text/plain", Drive: "0AShared"})
	}
	twin.Create("Books", []any{"a"})
	r := httptest.NewRequestWithContext(t.Context(), method, "https://"+address, strings.NewReader(body))
	if scopes != nil {
		r.Header.Set("Authorization", "Bearer known")
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	twin.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// TestTheTwinRefusesWhatGoogleRefuses holds it against leniency: what it takes, a
// document may send.
func TestTheTwinRefusesWhatGoogleRefuses(t *testing.T) {
	t.Parallel()
	const (
		mail   = "gmail.acme.test/gmail/v1/users/me"
		sheet  = "sheets.acme.test/v4/spreadsheets"
		files  = "googleapis.acme.test/drive/v3/files"
		events = "googleapis.acme.test/calendar/v3/calendars/primary/events"
	)
	for _, c := range []struct {
		name                  string
		scopes                []string
		method, address, body string
		status                int
		says                  string
	}{
		{"nobody", nil, "GET", mail + "/messages", "", 401, `"status":"UNAUTHENTICATED"`},
		{"sending alone", []string{"https://www.googleapis.com/auth/gmail.send"}, "GET", mail + "/messages", "", 403, "insufficientPermissions"},
		{"sending alone, a profile", []string{"https://www.googleapis.com/auth/gmail.send"}, "GET", mail + "/profile", "", 403, "PERMISSION_DENIED"},
		{"headers alone, a search", []string{"https://www.googleapis.com/auth/gmail.metadata"}, "GET", mail + "/messages?q=x", "", 403, "Metadata scope"},
		{"another API's host", all, "GET", "sheets.acme.test/gmail/v1/users/me/messages", "", 404, ""},
		{"who it is, without openid", []string{"https://mail.google.com/"}, "GET", "openid.acme.test/v1/userinfo", "", 403, "PERMISSION_DENIED"},
		{"a page of another list", all, "GET", mail + "/messages?maxResults=1&pageToken=x.1", "", 400, "Invalid pageToken"},
		{"no number", all, "GET", mail + "/messages?maxResults=many", "", 400, "INVALID_ARGUMENT"},
		{"a name in another case", all, "POST", mail + "/messages/send", `{"Raw":"eA"}`, 400, "Invalid JSON payload"},
		{"a message to nobody", all, "POST", mail + "/messages/send", `{"raw":"U3ViamVjdDogeA0KDQp4"}`, 400, "Recipient address required"},
		{"standard base64", all, "POST", mail + "/messages/send", `{"raw":"+/+/"}`, 400, "Base64 decoding failed"},
		{"no such thread", all, "POST", mail + "/drafts", `{"message":{"threadId":"18cfff","raw":"VG86IGFAYi5jDQoNCng"}}`, 404, "Requested entity"},
		{"no label", all, "POST", mail + "/messages/18c000001/modify", `{"addLabelIds":["Nope"]}`, 400, "Invalid label: Nope"},
		{"an option that is none", all, "GET", sheet + "/1AcmeSheet0000000001/values/A1?valueRenderOption=formula", "", 400, "value_render_option"},
		{"no input option", all, "PUT", sheet + "/1AcmeSheet0000000001/values/A1", `{"values":[["x"]]}`, 400, "valueInputOption"},
		{"beyond the grid", all, "PUT", sheet + "/1AcmeSheet0000000001/values/A1001?valueInputOption=RAW", `{"values":[["x"]]}`, 400, "exceeds grid limits"},
		{"no cell", all, "GET", sheet + "/1AcmeSheet0000000001/values/Books!1A", "", 400, "Unable to parse range"},
		{"no field", all, "GET", sheet + "/1AcmeSheet0000000001?fields=sheets.nothing", "", 400, "Invalid field selection"},
		{"a shared drive unasked", all, "GET", files + "/1AcmeFile0000000001", "", 404, "File not found"},
		{"a file of others by the small scope", []string{"https://www.googleapis.com/auth/drive.file"}, "GET", files + "/1AcmeFile0000000001?supportsAllDrives=true", "", 404, "File not found"},
		{"content by the scope of metadata", []string{"https://www.googleapis.com/auth/drive.metadata.readonly"}, "GET", files + "/1AcmeFile0000000001?supportsAllDrives=true&alt=media", "", 403, "appNotAuthorizedToFile"},
		{"half a query", all, "GET", files + "?q=name%20contains", "", 400, "Invalid Value"},
		{"two folders", all, "POST", files, `{"name":"x","parents":["a","b"]}`, 403, "multiparentingNotSupported"},
		{"content without a way", all, "POST", "googleapis.acme.test/upload/drive/v3/files", `x`, 400, "upload type"},
		{"an order without single events", all, "GET", events + "?orderBy=startTime", "", 400, "ordering is not available"},
		{"a time without an offset", all, "GET", events + "?timeMin=2026-01-01T00:00:00", "", 400, "badRequest"},
		{"a day and a time", all, "POST", events, `{"start":{"date":"2026-01-01","dateTime":"2026-01-01T00:00:00Z"},"end":{"date":"2026-01-02"}}`, 400, "Invalid start time"},
		{"an end before the start", all, "POST", events, `{"start":{"dateTime":"2026-01-02T00:00:00Z"},"end":{"dateTime":"2026-01-01T00:00:00Z"}}`, 400, "timeRangeEmpty"},
		{"Start for start", all, "POST", events, `{"Start":{"date":"2026-01-01"},"end":{"date":"2026-01-02"}}`, 400, "Missing start time"},
		{"guests without addresses", all, "POST", events, `{"start":{"date":"2026-01-01"},"end":{"date":"2026-01-02"},"attendees":[{"email":"bob"}]}`, 400, "Invalid attendee email"},
	} {
		status, text := ask(t, c.scopes, c.method, c.address, c.body)
		if status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s", c.name, status, text)
		}
	}
}
