package api_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/value/parcel"
)

func TestValuesComeInSealedOrAreSealedAtTheEdge(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var w struct {
		Workspace hotcell.Workspace
		PublicKey []byte `json:"public_key"`
	}
	if err := json.Unmarshal([]byte(f.ask("GET", "/v1/workspace", "").body), &w); err != nil {
		t.Fatal(err)
	}
	key, err := parcel.ParsePublic(w.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(item, field, value string) string {
		message, err := parcel.Seal(key, parcel.Context{Workspace: string(w.Workspace.ID), Tier: "secret", Item: item, Field: field}, []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(message)
	}
	binary := "\x01\xff\xfe bytes"
	id := f.made("/v1/secrets", fmt.Sprintf(`{"name":"billing","variables":[{"name":"A","sealed":%q}],"values":{"B":"plain-é😀"}}`, seal("billing", "A", binary)))
	if a, b := f.world.Value(id, "A"), f.world.Value(id, "B"); a != binary || b != "plain-é😀" {
		t.Errorf("the vault has %q and %q", a, b)
	}
	for of, sealed := range map[string]string{"another secret": seal("other", "C", "x-value"), "another variable": seal(id, "D", "x-value"), "its creation": seal("billing", "C", "x-value")} {
		if r := f.ask("PATCH", "/v1/secrets/"+id, `{"set":[{"name":"C","sealed":"`+sealed+`"}]}`, "If-Match", "*"); r.status != 422 {
			t.Errorf("sealed for %s: %d %s", of, r.status, r.body)
		}
	}
	r := f.ask("PATCH", "/v1/secrets/"+id, fmt.Sprintf(`{"set":[{"name":"C","sealed":%q}],"values":{"D":"fourth"},"rename":{"A":"AA"},"unset":["B"]}`, seal(id, "C", "third")), "If-Match", `"1"`)
	if r.status != 200 || f.world.Value(id, "C") != "third" || f.world.Value(id, "D") != "fourth" || f.world.Value(id, "AA") != binary || f.world.Value(id, "B") != "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	shown := f.ask("GET", "/v1/secrets/"+id, "")
	for _, value := range []string{"third", "fourth", "plain", "\\ufffd"} {
		if strings.Contains(shown.body+f.world.Logged.String(), value) {
			t.Errorf("%q is shown or logged", value)
		}
	}
	for _, shared := range []bool{true, false} {
		verb := map[bool]string{true: "share", false: "unshare"}[shared]
		if r := f.ask("POST", "/v1/secrets/"+id+"/"+verb, ""); r.status != 200 || !strings.Contains(r.body, fmt.Sprintf(`"shared":%t`, shared)) {
			t.Errorf("%s: %d %s", verb, r.status, r.body)
		}
	}
}

func TestListsGoOnPageByPage(t *testing.T) {
	t.Parallel()
	f := setup(t)
	if names, next := f.ask("GET", "/v1/secrets", "").names(t); len(names) != 0 || next != "" {
		t.Errorf("an empty list: %q, %q", names, next)
	}
	var want, got []string
	for i := range 5 {
		name := fmt.Sprintf("secret-%d", i)
		want = append(want, name)
		f.made("/v1/secrets", `{"name":"`+name+`","values":{"K":"value-1"}}`)
	}
	for path, pages := "/v1/secrets?limit=2", 0; ; pages++ {
		names, next := f.ask("GET", path, "").names(t)
		got = append(got, names...)
		if next == "" {
			break
		}
		if pages > 3 {
			t.Fatal("the list has no end")
		}
		path = "/v1/secrets?limit=2&after=" + next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if names, _ := f.ask("GET", "/v1/secrets?name=secret-3", "").names(t); !slices.Equal(names, []string{"secret-3"}) {
		t.Errorf("by name: %q", names)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=-1", "limt=5"} {
		if r := f.ask("GET", "/v1/secrets?"+query, ""); r.status != 422 || len(r.Errors) == 0 {
			t.Errorf("%s: %d %s", query, r.status, r.body)
		}
	}
}

func TestARepeatIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	f := setup(t)
	body := `{"name":"billing","values":{"A":"first-value"}}`
	var wait sync.WaitGroup
	replies := make([]reply, 8)
	for i := range replies {
		wait.Go(func() { replies[i] = f.ask("POST", "/v1/secrets", body, "Idempotency-Key", "k1") })
	}
	wait.Wait()
	made := 0
	for _, r := range replies {
		if r.status == 201 && r.header.Get("Idempotent-Replayed") == "" {
			made++
		} else if r.status != 409 && r.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%d %v %s", r.status, r.header, r.body)
		}
	}
	if made != 1 || f.world.Secrets() != 1 {
		t.Errorf("it was done %d times: %d secrets", made, f.world.Secrets())
	}
	again := f.ask("POST", "/v1/secrets", body, "Idempotency-Key", "k1")
	if again.status != 201 || again.header.Get("Idempotent-Replayed") != "true" || again.header.Get("ETag") != `"1"` || again.id(t) == "" {
		t.Errorf("a repeat: %d %v %s", again.status, again.header, again.body)
	}
	if r := f.ask("POST", "/v1/secrets", `{"name":"other","values":{"A":"x-value"}}`, "Idempotency-Key", "k1"); r.status != 422 || len(r.Errors) != 1 {
		t.Errorf("the key for another request: %d %s", r.status, r.body)
	}
	if r := f.ask("POST", "/v1/assignments", body, "Idempotency-Key", "k1"); r.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the key on another path: %d %s", r.status, r.body)
	}
	// What was refused may be tried again under its key.
	f.world.Fail(hotcell.ErrUnavailable)
	if r := f.ask("POST", "/v1/secrets", `{"name":"two","values":{"A":"x-value"}}`, "Idempotency-Key", "k2"); r.status != 503 {
		t.Errorf("%d %s", r.status, r.body)
	}
	f.world.Fail(nil)
	if r := f.ask("POST", "/v1/secrets", `{"name":"two","values":{"A":"x-value"}}`, "Idempotency-Key", "k2"); r.status != 201 {
		t.Errorf("tried again: %d %s", r.status, r.body)
	}
	f.world.Who = func(*http.Request) (hotcell.Principal, error) {
		return hotcell.Principal{Member: hotcell.MemberID(hotcell.NewID(hotcell.PrefixMember))}, nil
	}
	if r := f.ask("POST", "/v1/secrets", body, "Idempotency-Key", "k1"); r.header.Get("Idempotent-Replayed") != "" {
		t.Error("one member's answer was given to another")
	}
	if kept := f.world.Remembered(); strings.Contains(kept, "value") || strings.Contains(kept, base64.StdEncoding.EncodeToString([]byte("first-value"))[:8]) {
		t.Errorf("a body is kept: %s", kept)
	}
}

func TestAFolderIsStoredByItsContent(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	_ = w.WriteHeader(&tar.Header{Name: "report.py", Typeflag: tar.TypeReg, Size: 3 << 20})
	_, _ = w.Write(bytes.Repeat([]byte("x"), 3<<20)) // more than any other request may have
	_ = w.Close()
	r := f.ask("PUT", "/v1/files", archive.String(), "Content-Type", "application/x-tar")
	var files hotcell.Files
	if err := json.Unmarshal([]byte(r.body), &files); err != nil || r.status != 201 || files.Size != int64(archive.Len()) || !bytes.Equal(f.world.Archive(files.Digest), archive.Bytes()) {
		t.Errorf("%d %s: %v", r.status, r.body, err)
	}
	if r := f.ask("GET", "/openapi.json", ""); !strings.Contains(r.body, `"put-files"`) || !strings.Contains(r.body, `"application/x-tar"`) {
		t.Error("it is not described")
	}
}

func TestAJobIsMadeFollowedAndFetched(t *testing.T) {
	t.Parallel()
	f := setup(t)
	assignment := f.made("/v1/assignments", `{"name":"report","work":{"command":"out one\nerr two\narguments\nleave a.txt hello\nexit 3"}}`)
	r := f.ask("POST", "/v1/assignments/"+assignment+"/jobs", `{"arguments":["--month","2026-11"]}`)
	if r.status != 202 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	job := r.id(t)
	whole := f.ask("GET", "/v1/jobs/"+job+"/log", "", "Accept", "text/event-stream")
	if kind := whole.header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("the type is %q", kind)
	}
	want := []string{"1 stdout one\n", "2 stderr two\n", "3 stdout --month\n2026-11\n", "end failed"}
	if diff := cmp.Diff(want, read(t, strings.NewReader(whole.body))); diff != "" {
		t.Error(diff)
	}
	for _, headers := range [][]string{{"Last-Event-ID", "2"}, {"Last-Event-ID", "x"}} {
		rest := read(t, strings.NewReader(f.ask("GET", "/v1/jobs/"+job+"/log", "", append(headers, "Accept", "text/event-stream")...).body))
		if begin := map[string]int{"2": 2, "x": 0}[headers[1]]; !slices.Equal(rest, want[begin:]) {
			t.Errorf("%q: %q", headers, rest)
		}
	}
	var page struct{ Items []hotcell.LogChunk }
	if err := json.Unmarshal([]byte(f.ask("GET", "/v1/jobs/"+job+"/log?after=1", "").body), &page); err != nil || len(page.Items) != 2 || string(page.Items[0].Data) != "two\n" {
		t.Errorf("a page: %+v, %v", page, err)
	}
	out := f.ask("GET", "/v1/jobs/"+job+"/out", "")
	if h, err := tar.NewReader(strings.NewReader(out.body)).Next(); err != nil || h.Name != "a.txt" || out.header.Get("Content-Type") != "application/x-tar" || out.header.Get("Content-Length") == "" {
		t.Errorf("the output: %v, %v", out.header, err)
	}
	if r := f.ask("POST", "/v1/jobs/"+job+"/cancel", ""); r.status != 409 || !strings.Contains(r.Detail, "has ended") {
		t.Errorf("cancelling after the end: %d %s", r.status, r.body)
	}
	for query, count := range map[string]int{"": 1, "?state=failed": 1, "?state=timed+out": 0, "?assignment=" + assignment: 1, "?assignment=" + hotcell.NewID("asg"): 0} {
		if names, _ := f.ask("GET", "/v1/jobs"+query, "").names(t); len(names) != count {
			t.Errorf("%s: %d jobs", query, len(names))
		}
	}
	if r := f.ask("GET", "/v1/jobs?state=done", ""); r.status != 422 || !strings.Contains(r.Detail, "queued") {
		t.Errorf("a state that there is not: %d %s", r.status, r.body)
	}
}

func TestALogIsSeenWhileItsJobRuns(t *testing.T) {
	t.Parallel()
	f := setup(t)
	assignment := f.made("/v1/assignments", `{"name":"report","work":{"command":"out one\nwait"}}`)
	job := f.made("/v1/assignments/"+assignment+"/jobs", `{}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/v1/jobs/"+job+"/log", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	answer, err := f.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	stream := bufio.NewReader(answer.Body)
	if line, err := stream.ReadString('\n'); err != nil || line != "id: 1\n" {
		t.Fatalf("%q, %v", line, err)
	}
	// The first chunk is here, and the job waits for this:
	if r := f.ask("POST", "/v1/jobs/"+job+"/cancel", ""); r.status != 200 || !strings.Contains(r.body, `"cancelling":true`) {
		t.Errorf("cancelling: %d %s", r.status, r.body)
	}
	if rest := read(t, stream); rest[len(rest)-1] != "end cancelled" {
		t.Errorf("%q", rest)
	}
}

// read reads server-sent events: a line of ours each.
func read(t *testing.T, r io.Reader) (events []string) {
	t.Helper()
	id, kind := "", ""
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			id = text
		case "event":
			kind = text
		case "data":
			var data struct {
				Stream, State string
				Data          []byte
			}
			if err := json.Unmarshal([]byte(text), &data); err != nil {
				t.Errorf("%v in %s", err, text)
			}
			if kind == "end" {
				events = append(events, "end "+data.State)
			} else {
				events = append(events, id+" "+data.Stream+" "+string(data.Data))
			}
		}
	}
	return events
}

func TestTheAuditLogIsReadAndVerified(t *testing.T) {
	t.Parallel()
	f := setup(t)
	if r := f.ask("GET", "/v1/events", ""); r.body != "{\"items\":[]}\n" {
		t.Errorf("an empty log: %s", r.body)
	}
	f.made("/v1/secrets", `{"name":"a","values":{"K":"value"}}`)
	f.made("/v1/assignments", `{"name":"b","work":{"command":"out x"}}`)
	for query, want := range map[string][]string{
		"": {"b", "a"}, "?ascending=true": {"a", "b"}, "?ascending=true&after=1": {"b"}, "?before=2": {"a"}, "?kind=secret": {"a"}, "?kind=secret.create&limit=1000": {"a"}, "?decision=refuse": nil,
	} {
		if names, _ := f.ask("GET", "/v1/events"+query, "").names(t); !slices.Equal(names, want) {
			t.Errorf("%s: %q, want %q", query, names, want)
		}
	}
	if r := f.ask("GET", "/v1/events/verify", ""); !strings.Contains(r.body, `"events":2`) || strings.Contains(r.body, "broken") {
		t.Errorf("%s", r.body)
	}
	f.world.Break(2)
	if r := f.ask("GET", "/v1/events/verify", ""); r.status != 200 || !strings.Contains(r.body, `"broken":2`) {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestTheDescriptionNamesAllThatIsAnswered(t *testing.T) {
	t.Parallel()
	r := setup(t).ask("GET", "/openapi.json", "")
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(r.body), &d); err != nil || !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Fatalf("%v: %s", err, d.OpenAPI)
	}
	var got []string
	for path, methods := range d.Paths {
		for method := range methods {
			got = append(got, method+" "+path)
		}
	}
	slices.Sort(got)
	want := strings.Split(strings.TrimSpace(operations), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// operations is the API's whole surface: what is added here is promised.
const operations = `
delete /v1/assignments/{id}
delete /v1/attachments/{id}
delete /v1/clients/{connector}
delete /v1/connections/{id}
delete /v1/deleted/{id}
delete /v1/invitations/{id}
delete /v1/keys/{id}
delete /v1/logins/{id}
delete /v1/members/{id}
delete /v1/secrets/{id}
delete /v1/sessions
delete /v1/sessions/{id}
delete /v1/tokens/{id}
get /v1/account
get /v1/agents
get /v1/assignments
get /v1/assignments/{id}
get /v1/backups
get /v1/clients
get /v1/connections
get /v1/connections/{id}
get /v1/connections/{id}/tools
get /v1/connectors
get /v1/connectors/{slug}
get /v1/deleted
get /v1/events
get /v1/events/verify
get /v1/images
get /v1/invitations
get /v1/jobs
get /v1/jobs/{id}
get /v1/jobs/{id}/browser
get /v1/jobs/{id}/log
get /v1/jobs/{id}/out
get /v1/keys
get /v1/links/{id}
get /v1/logins
get /v1/logins/{id}
get /v1/members
get /v1/members/{id}/leaving
get /v1/operations/{id}
get /v1/requests
get /v1/requests/{id}
get /v1/secrets
get /v1/secrets/{id}
get /v1/server
get /v1/sessions
get /v1/tokens
get /v1/workspace
patch /v1/assignments/{id}
patch /v1/connections/{id}
patch /v1/logins/{id}
patch /v1/members/{id}
patch /v1/secrets/{id}
post /v1/advice
post /v1/assignments
post /v1/assignments/{id}/attachments
post /v1/assignments/{id}/jobs
post /v1/attachments/{id}/confirm
post /v1/backups
post /v1/connections
post /v1/connections/{id}/reconnect
post /v1/connections/{id}/share
post /v1/connections/{id}/test
post /v1/connections/{id}/unshare
post /v1/connectors/lint
post /v1/deleted/{id}/undelete
post /v1/explain
post /v1/invitations
post /v1/jobs/{id}/browser
post /v1/jobs/{id}/browser/learn
post /v1/jobs/{id}/cancel
post /v1/join
post /v1/keys/rotate
post /v1/links
post /v1/logins
post /v1/logins/import
post /v1/logins/{id}/share
post /v1/logins/{id}/unshare
post /v1/operations/{id}/confirm
post /v1/requests/{id}/approve
post /v1/requests/{id}/link
post /v1/requests/{id}/refuse
post /v1/secrets
post /v1/secrets/{id}/share
post /v1/secrets/{id}/unshare
post /v1/sign-in
post /v1/sign-out
post /v1/tokens
post /v1/workspace/vouch
put /v1/account/password
put /v1/attachments/{id}
put /v1/clients/{connector}
put /v1/files
`
