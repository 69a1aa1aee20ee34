package test

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"hotcell/test/acme/account"
	"hotcell/test/acme/google"
)

// googleScopes makes calls with the scopes of their tools alone.
func googleScopes(t *testing.T, slug, host string, calls func(*google.Twin) []toolCall) {
	t.Helper()
	var twin *google.Twin
	scoped(t, slug, host, func(check account.Check) http.Handler {
		twin = google.New(check)
		return twin
	}, func() []toolCall { return calls(twin) })
}

// sheetsCalls are a call of each tool of Google Sheets, and what the twin has then.
func sheetsCalls(twin *google.Twin) []toolCall {
	made := ""
	in := func(args map[string]any) (map[string]any, func(map[string]any)) {
		return args, func(args map[string]any) { args["spreadsheet"] = made }
	}
	of := func(tool string, args map[string]any, then func(*testing.T, string), wants ...string) toolCall {
		args, fill := in(args)
		return toolCall{tool: "google_sheets_" + tool, args: args, fill: fill, then: then, wants: wants}
	}
	rows := func(title string, want ...[]any) func(*testing.T, string) {
		return func(t *testing.T, _ string) {
			if got := twin.Rows(made, title); !reflect.DeepEqual(got, want) {
				t.Errorf("%v, and not %v", got, want)
			}
		}
	}
	gives := func(want ...any) func(*testing.T, string) {
		return func(t *testing.T, answer string) {
			if got := field(t, answer, "rows"); !reflect.DeepEqual(got, want) {
				t.Errorf("%v, and not %v", got, want)
			}
		}
	}
	return []toolCall{
		{tool: "google_sheets_create", args: map[string]any{"title": "Books", "sheets": []string{"Q1/Q2", "It's"}}, then: func(t *testing.T, answer string) {
			made, _ = field(t, answer, "spreadsheet").(string)
			twin.AddChart(made, "Chart")
		}},
		of("append", map[string]any{"range": "Q1/Q2!A1:C1", "rows": [][]any{{"number", "amount", "paid"}}}, rows("Q1/Q2", []any{"number", "amount", "paid"}), `'Q1/Q2'!A1:C1`),
		of("append", map[string]any{"range": "Q1/Q2!A1:C1", "rows": [][]any{{"0042", 480.5, true}, {"=1+1", nil, "x"}}},
			rows("Q1/Q2", []any{"number", "amount", "paid"}, []any{"0042", 480.5, true}, []any{"=1+1", nil, "x"}), `'Q1/Q2'!A2:C3`, `"rows":2`),
		of("read", map[string]any{"range": "Q1/Q2!A1:D20"}, gives([]any{"number", "amount", "paid"}, []any{"0042", "480.5", "TRUE"}, []any{"=1+1", "", "x"})),
		of("update", map[string]any{"range": "It's!A1:B2", "rows": [][]any{{"1", "2"}, {"=SUM(A1:B1)", nil}}, "formulas": true}, nil, `'It''s'!A1:B2`, `"cells":3`),
		of("read", map[string]any{"range": "It's!A1:B2"}, gives([]any{"1", "2"}, []any{"3"})),
		of("read", map[string]any{"range": "It's!A1:B2", "formulas": true}, gives([]any{1.0, 2.0}, []any{"=SUM(A1:B1)"})),
		of("read", map[string]any{"range": "It's!C1:D9"}, func(t *testing.T, answer string) {
			if got := field(t, answer, "rows"); !reflect.DeepEqual(got, []any{}) {
				t.Errorf("%v", got)
			}
		}),
		of("update", map[string]any{"range": "It's!A1", "rows": [][]any{{""}}}, nil),
		of("read", map[string]any{"range": "It's!A1:B1"}, gives([]any{"", "2"})),
		of("list_sheets", map[string]any{}, nil, `"title":"Books"`, `"chart":true`, `"rows":1000`, `"columns":26`),
	}
}

func TestEveryToolOfSheets(t *testing.T) {
	t.Parallel()
	a := openConnected(t)
	c := a.hire(t, "google-sheets")
	c.does(t, "google-sheets", sheetsCalls(a.Google))
	sheet := a.Google.Create("Invoices", []any{"number", "amount"})
	c.fails(t, []failure{
		{"google_sheets_read", map[string]any{"spreadsheet": "1AcmeSheetnone", "range": "A1"}, nil, []string{"404", "Requested entity was not found."}},
		{"google_sheets_read", map[string]any{"spreadsheet": sheet, "range": "None!A1"}, nil, []string{"400", "Unable to parse range: None!A1", `"retryable":false`}},
		{"google_sheets_update", map[string]any{"spreadsheet": sheet, "range": "A1:B1", "rows": [][]any{{1, 2, 3}}}, nil, []string{"tried writing to column [C]"}},
		{"google_sheets_read", map[string]any{"spreadsheet": sheet, "range": "A1"}, func() { a.Google.Limit(1) }, []string{`"code":"rate_limited"`, `"retry_after":20`}},
		{"google_sheets_read", map[string]any{"spreadsheet": sheet, "range": "A1"}, func() {
			a.Google.Refuse(google.Fault{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user'."})
		}, []string{`"code":"rate_limited"`, `"retry_after":60`}},
	})
}

func TestScopesOfSheets(t *testing.T) {
	t.Parallel()
	googleScopes(t, "google-sheets", "sheets.acme.test", sheetsCalls)
}

const pdf = "application/pdf"

// driveCalls are a call of each tool of Google Drive, and what the twin has then.
func driveCalls(twin *google.Twin) []toolCall {
	content := append([]byte("%PDF-1.7\n{\"not\": \"json\"}\n"), picture()...)
	folder := twin.Store(ada, google.File{Name: "Rechnungen", Type: "application/vnd.google-apps.folder", Drive: "0AShared"})
	file := twin.Store(ada, google.File{Name: "it's.pdf", Type: pdf, Content: content, Parents: []string{folder}, Drive: "0AShared"})
	note := twin.Store(ada, google.File{Name: "note", Type: "application/json", Content: []byte("{\"a\":1}\n{\"b\":2}\n")})
	document := twin.Store(ada, google.File{Name: "Plan", Type: "application/vnd.google-apps.document", Exports: map[string][]byte{"text/plain": []byte("Größe"), pdf: content}})
	find := func(t *testing.T, name string) google.File {
		t.Helper()
		all := twin.Files(ada)
		i := slices.IndexFunc(all, func(f google.File) bool { return f.Name == name })
		if i < 0 {
			t.Fatalf("no file %s", name)
		}
		return all[i]
	}
	return []toolCall{
		{tool: "google_drive_search", args: map[string]any{"query": `name contains 'it\'s' and mimeType = 'application/pdf' and '` + folder + `' in parents and trashed = false`}, wants: []string{file, "https://drive.google.com/"}},
		{tool: "google_drive_info", args: map[string]any{"id": file}, wants: []string{"it's.pdf", fmt.Sprintf(`"size":"%d"`, len(content)), folder}},
		{tool: "google_drive_read", args: map[string]any{"id": file}, wants: []string{coded(content), pdf}},
		{tool: "google_drive_read", args: map[string]any{"id": note}, wants: []string{`{\"a\":1}\n{\"b\":2}\n`}},
		{tool: "google_drive_export", args: map[string]any{"id": document}, wants: []string{"Größe"}},
		{tool: "google_drive_export", args: map[string]any{"id": document, "type": pdf}, wants: []string{coded(content), pdf}},
		{tool: "google_drive_upload", args: map[string]any{"name": "bild \"ä\".png", "type": "image/png", "base64": coded(picture()), "folder": folder}, wants: []string{"https://drive.google.com/"}, then: func(t *testing.T, _ string) {
			if f := find(t, "bild \"ä\".png"); !bytes.Equal(f.Content, picture()) || f.Type != "image/png" || !slices.Equal(f.Parents, []string{folder}) || f.Drive != "0AShared" {
				t.Errorf("%.200v", f)
			}
		}},
		{tool: "google_drive_upload", args: map[string]any{"name": "empty", "base64": ""}, then: func(t *testing.T, _ string) {
			if f := find(t, "empty"); len(f.Content) != 0 || f.Type != "application/octet-stream" {
				t.Errorf("%.200v", f)
			}
		}},
		{tool: "google_drive_replace", args: map[string]any{"id": file, "type": pdf, "base64": coded([]byte("%PDF-1.7 new"))}, then: func(t *testing.T, _ string) {
			if f := find(t, "it's.pdf"); string(f.Content) != "%PDF-1.7 new" || f.Type != pdf {
				t.Errorf("%.200v", f)
			}
		}},
		{tool: "google_drive_create_folder", args: map[string]any{"name": "2026", "folder": folder}, then: func(t *testing.T, _ string) {
			if f := find(t, "2026"); f.Type != "application/vnd.google-apps.folder" || !slices.Equal(f.Parents, []string{folder}) {
				t.Errorf("%.200v", f)
			}
		}},
		{tool: "google_drive_share", args: map[string]any{"id": file, "mail": "bob@acme.test", "role": "writer"}, then: func(t *testing.T, _ string) {
			if f := find(t, "it's.pdf"); !slices.Contains(f.Shared, google.Permission{Type: "user", Role: "writer", Mail: "bob@acme.test", Notified: true}) {
				t.Errorf("%v", f.Shared)
			}
		}},
		{tool: "google_drive_trash", args: map[string]any{"id": note}, then: func(t *testing.T, _ string) {
			if !find(t, "note").Trashed {
				t.Error("it is not in the trash")
			}
		}},
	}
}

func TestEveryToolOfDrive(t *testing.T) {
	t.Parallel()
	a := openConnected(t)
	c := a.hire(t, "google-drive")
	c.does(t, "google-drive", driveCalls(a.Google))
	for i := range 130 {
		a.Google.Store(ada, google.File{Name: fmt.Sprint("scan ", i), Type: pdf})
	}
	a.Google.Pages(20) // so that a limit is reached within a page, after others
	c.pages(t, "google_drive_search", map[string]any{"query": "name contains 'scan'", "limit": 50}, "files", 130)
	before := len(a.Google.Files(ada))
	document := a.Google.Store(ada, google.File{Name: "Table", Type: "application/vnd.google-apps.spreadsheet"})
	c.fails(t, []failure{
		{"google_drive_search", map[string]any{"query": "name like 'x'"}, nil, []string{"400", "Invalid Value"}},
		{"google_drive_read", map[string]any{"id": "1AcmeFilenone"}, nil, []string{"404", "File not found: 1AcmeFilenone."}},
		{"google_drive_read", map[string]any{"id": document}, nil, []string{"403", "Use Export with Docs Editors files.", `"retryable":false`}},
		{"google_drive_upload", map[string]any{"name": "x", "base64": "eA==", "folder": "1AcmeFilenone"}, nil, []string{"File not found"}},
		{"google_drive_search", nil, func() {
			a.Google.Refuse(google.Fault{Code: 403, Reason: "userRateLimitExceeded", Message: "User Rate Limit Exceeded"})
		}, []string{`"code":"rate_limited"`, `"retry_after":10`}},
	})
	// An upload that breaks off after it began leaves nothing.
	a.Google.RefuseContent(google.Fault{Code: 503, Reason: "backendError", Message: "Backend Error"})
	c.fails(t, []failure{{"google_drive_upload", map[string]any{"name": "half", "base64": "eA=="}, nil, []string{"503"}}})
	if after := len(a.Google.Files(ada)); after != before+1 {
		t.Errorf("%d files where there were %d", after, before+1)
	}
}

func TestScopesOfDrive(t *testing.T) {
	t.Parallel()
	googleScopes(t, "google-drive", "googleapis.acme.test", driveCalls)
}

// calendarCalls are a call of each tool of Google Calendar, and what the twin has then.
func calendarCalls(twin *google.Twin) []toolCall {
	const team = "team/one#x@group.calendar.google.com"
	twin.AddCalendar(ada, team, "Team", "writer")
	made := ""
	event := func(t *testing.T, calendar string) map[string]any {
		t.Helper()
		all := twin.Events(calendar)
		if len(all) == 0 {
			t.Fatal("there is no event")
		}
		return all[len(all)-1]
	}
	id := func(args map[string]any) { args["id"] = made }
	same := func(t *testing.T, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v, and not %v", got, want)
		}
	}
	march := map[string]any{"from": "2026-03-01T00:00:00Z", "to": "2026-03-31T00:00:00+01:00"}
	return []toolCall{
		{tool: "google_calendar_calendars", wants: []string{team, `"primary":true`, "Europe/Berlin", `"role":"writer"`}},
		{tool: "google_calendar_create", args: map[string]any{
			"title": "Review", "start": "2026-03-02T09:00:00", "end": "2026-03-02T10:00:00", "zone": "Europe/Berlin", "attendees": []string{"bob@acme.test"}, "notify": true, "location": "Room 1",
		}, wants: []string{"https://www.google.com/calendar/"}, then: func(t *testing.T, answer string) {
			made, _ = field(t, answer, "id").(string)
			e := event(t, ada)
			same(t, e["start"], map[string]any{"dateTime": "2026-03-02T09:00:00", "timeZone": "Europe/Berlin"})
			same(t, e["summary"], "Review")
			if _, there := e["description"]; there || !slices.Equal(twin.Invited()[len(twin.Invited())-1:], []string{"bob@acme.test invited"}) {
				t.Errorf("%v, %v", e, twin.Invited())
			}
			e["attendees"].([]any)[0].(map[string]any)["responseStatus"] = "accepted"
		}},
		{tool: "google_calendar_create", args: map[string]any{"calendar": team, "title": "Fair", "start": "2026-03-05", "end": "2026-03-07"}, then: func(t *testing.T, _ string) {
			same(t, event(t, team)["start"], map[string]any{"date": "2026-03-05"})
		}},
		{tool: "google_calendar_list", args: march, wants: []string{"Review", "Room 1", "bob@acme.test"}},
		{tool: "google_calendar_list", args: map[string]any{"calendar": team, "from": "2026-03-01T00:00:00Z", "to": "2026-03-31T00:00:00Z", "zone": "Europe/Berlin"}, wants: []string{"Fair", "2026-03-05"}},
		{tool: "google_calendar_read", fill: id, wants: []string{"Review", "accepted"}},
		{tool: "google_calendar_free_busy", args: map[string]any{"from": "2026-03-01T00:00:00Z", "to": "2026-03-10T00:00:00Z", "calendars": []string{"primary", "nobody@acme.test"}},
			wants: []string{"2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z", "notFound"}},
		{tool: "google_calendar_update", args: map[string]any{"title": "Long review"}, fill: id, then: func(t *testing.T, _ string) {
			e := event(t, ada)
			same(t, e["summary"], "Long review")
			same(t, e["start"], map[string]any{"dateTime": "2026-03-02T09:00:00", "timeZone": "Europe/Berlin"})
			same(t, e["location"], "Room 1")
		}},
		{tool: "google_calendar_update", args: map[string]any{"start": "2026-03-03", "end": "2026-03-04", "attendees": []string{"Bob@acme.test", "carol@acme.test"}, "notify": true}, fill: id, then: func(t *testing.T, _ string) {
			e := event(t, ada)
			same(t, e["start"], map[string]any{"date": "2026-03-03"})
			same(t, e["attendees"], []any{map[string]any{"email": "bob@acme.test", "responseStatus": "accepted"}, map[string]any{"email": "carol@acme.test"}})
			if invited := twin.Invited(); !slices.Contains(invited, "carol@acme.test updated") {
				t.Errorf("%v", invited)
			}
		}},
		{tool: "google_calendar_delete", args: map[string]any{"notify": true}, fill: id, then: func(t *testing.T, _ string) {
			if slices.ContainsFunc(twin.Events(ada), func(e map[string]any) bool { return e["id"] == made }) || !slices.Contains(twin.Invited(), "carol@acme.test cancelled") {
				t.Errorf("%v, %v", twin.Events(ada), twin.Invited())
			}
		}},
	}
}

func TestEveryToolOfCalendar(t *testing.T) {
	t.Parallel()
	a := openConnected(t)
	c := a.hire(t, "google-calendar")
	c.does(t, "google-calendar", calendarCalls(a.Google))
	a.Google.AddCalendar(ada, "holidays@acme.test", "Holidays", "reader")
	at := map[string]any{"title": "Stand-up", "start": "2026-06-01T09:00:00Z", "end": "2026-06-01T09:15:00Z"}
	for i := range 7 {
		at["start"], at["end"] = fmt.Sprintf("2026-06-0%dT09:00:00Z", i+1), fmt.Sprintf("2026-06-0%dT09:15:00Z", i+1)
		c.makes(t, []toolCall{{tool: "google_calendar_create", args: at}})
	}
	a.Google.Pages(2) // so that a limit is reached within a page, after others
	c.pages(t, "google_calendar_list", map[string]any{"from": "2026-06-01T00:00:00Z", "to": "2026-07-01T00:00:00Z", "limit": 3}, "events", 7)
	c.fails(t, []failure{
		{"google_calendar_read", map[string]any{"id": "none"}, nil, []string{"404", "Not Found"}},
		{"google_calendar_delete", map[string]any{"id": "acme00000001"}, nil, []string{"410", "Resource has been deleted"}},
		{"google_calendar_create", map[string]any{"title": "x", "start": "2026-06-01T09:00:00", "end": "2026-06-01T10:00:00"}, nil, []string{"Missing time zone definition for start time."}},
		{"google_calendar_create", map[string]any{"title": "x", "start": "2026-06-01", "end": "2026-06-01T10:00:00Z"}, nil, []string{"must either both be date or both be dateTime"}},
		{"google_calendar_create", map[string]any{"calendar": "holidays@acme.test", "title": "x", "start": "2026-06-01", "end": "2026-06-02"}, nil, []string{"403", "writer access", `"retryable":false`}},
		{"google_calendar_list", map[string]any{"calendar": "../users/me", "from": "2026-06-01T00:00:00Z", "to": "2026-07-01T00:00:00Z"}, nil, []string{`"code":"invalid"`}},
		{"google_calendar_calendars", nil, func() {
			a.Google.Refuse(google.Fault{Code: 403, Reason: "rateLimitExceeded", Message: "Rate Limit Exceeded", Header: map[string]string{"Retry-After": "7"}})
		}, []string{`"code":"rate_limited"`, `"retry_after":7`}},
	})
}

func TestScopesOfCalendar(t *testing.T) {
	t.Parallel()
	googleScopes(t, "google-calendar", "googleapis.acme.test", calendarCalls)
}
