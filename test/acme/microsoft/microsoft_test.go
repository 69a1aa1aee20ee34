package microsoft_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotcell/test/acme/account"
	"hotcell/test/acme/microsoft"
)

// TestTheTwinRefusesWhatGraphRefuses holds it against leniency: what it takes, a
// document may send.
func TestTheTwinRefusesWhatGraphRefuses(t *testing.T) {
	t.Parallel()
	scopes := []string{"Mail.Read"}
	twin := microsoft.New(func(r *http.Request) (account.Account, bool) {
		return account.Account{ID: "U1", Name: "Ada", Mail: "ada@acme.test", Scopes: scopes}, r.Header.Get("Authorization") == "Bearer known"
	})
	id := twin.Deliver("ada@acme.test", microsoft.Message{From: "bob@acme.test", Subject: "s", Body: "t"})
	other := twin.Deliver("bob@acme.test", microsoft.Message{From: "ada@acme.test", Subject: "s", Body: "t"})
	all := []string{"User.Read", "Mail.Read", "Mail.ReadWrite", "Mail.Send"}
	for _, c := range []struct {
		name               string
		scopes             []string
		method, path, body string
		status             int
		says               string
	}{
		{"nobody", nil, "GET", "/me/messages", "", 401, "InvalidAuthenticationToken"},
		{"reading alone, a draft", []string{"Mail.Read"}, "POST", "/me/messages", `{"subject":"x"}`, 403, "ErrorAccessDenied"},
		{"reading alone, who it is", []string{"Mail.Read"}, "GET", "/me", "", 403, "ErrorAccessDenied"},
		{"writing alone, sending", []string{"Mail.ReadWrite"}, "POST", "/me/sendMail", `{}`, 403, "ErrorAccessDenied"},
		{"a search without quotes", all, "GET", "/me/messages?$search=from:bob", "", 400, "Syntax error"},
		{"a quote within a search", all, "GET", `/me/messages?$search=%22a%22b%22`, "", 400, "Syntax error"},
		{"a search with a filter", all, "GET", "/me/messages?$search=%22x%22&$filter=isRead%20eq%20false", "", 400, "SearchWithFilter"},
		{"an order that the filter lacks", all, "GET", "/me/messages?$filter=isRead%20eq%20false&$orderby=receivedDateTime%20desc", "", 400, "InefficientFilter"},
		{"no filter", all, "GET", "/me/messages?$filter=isread%20eq%20false", "", 400, "Invalid filter clause"},
		{"no property", all, "GET", "/me/messages?$select=Subject", "", 400, "Could not find a property"},
		{"no such word", all, "GET", "/me/messages?$limit=5", "", 400, "not supported"},
		{"a page of none", all, "GET", "/me/messages?$top=0", "", 400, "ErrorInvalidUrlQuery"},
		{"somebody else's", all, "GET", "/me/messages/" + other, "", 404, "ErrorItemNotFound"},
		{"no id", all, "GET", "/me/messages/none", "", 400, "ErrorInvalidIdMalformed"},
		{"a name in another case", all, "POST", "/me/messages", `{"Subject":"x"}`, 400, "RequestBodyRead"},
		{"no kind of body", all, "POST", "/me/messages", `{"body":{"contentType":"Markdown","content":"x"}}`, 400, "Edm.BodyType"},
		{"a file without its type", all, "POST", "/me/messages", `{"attachments":[{"name":"x","contentBytes":"eA=="}]}`, 400, "RequestBodyRead"},
		{"a message to nobody", all, "POST", "/me/sendMail", `{"message":{"subject":"x"}}`, 400, "ErrorInvalidRecipients"},
		{"a comment and a body", all, "POST", "/me/messages/" + id + "/reply", `{"comment":"x","message":{"body":{"contentType":"text","content":"y"}}}`, 400, "not both"},
		{"what was sent is written anew", all, "PATCH", "/me/messages/" + id, `{"subject":"x"}`, 400, "ErrorInvalidPropertySet"},
		{"no folder", all, "POST", "/me/messages/" + id + "/move", `{"destinationId":"nowhere"}`, 404, "ErrorItemNotFound"},
		{"too much at once", all, "POST", "/me/messages", `{"subject":"` + strings.Repeat("x", 4<<20) + `"}`, 413, "4MB"},
	} {
		scopes = c.scopes
		r := httptest.NewRequestWithContext(t.Context(), c.method, "https://graph.acme.test/v1.0"+c.path, strings.NewReader(c.body))
		if c.scopes != nil {
			r.Header.Set("Authorization", "Bearer known")
		}
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		twin.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %.300s", c.name, w.Code, w.Body)
		}
	}
}
