package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

var (
	post    = hotcell.Narrowing{Tools: []string{"post"}}
	reading = hotcell.Narrowing{Tools: []string{"post", "history"}}
)

func TestToolsOfAJob(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, hotcell.Narrowing{Tools: []string{"post", "wipe"}, Rules: []hotcell.ToolRule{
		{Tool: "post", When: `args.channel == "#ops"`}, {When: `args.channel in ["#ops", "#dev"]`},
	}}, c.ID)
	tools, access := o.list(job)
	if len(tools) != 2 || tools["chat_post"].Name == "" || tools["chat_wipe"].Name == "" {
		t.Fatalf("listed %v", tools)
	}
	var schema struct {
		Properties map[string]struct {
			Const any   `json:"const"`
			Enum  []any `json:"enum"`
		} `json:"properties"`
		Additional any `json:"additionalProperties"`
	}
	must(t, json.Unmarshal(tools["chat_post"].Input, &schema))
	if schema.Properties["channel"].Const != "#ops" || schema.Additional != false {
		t.Errorf("the schema is not narrowed: %s", tools["chat_post"].Input)
	}
	must(t, json.Unmarshal(tools["chat_wipe"].Input, &schema))
	if fmt.Sprint(schema.Properties["channel"].Enum) != "[#ops #dev]" {
		t.Errorf("the schema is not narrowed: %s", tools["chat_wipe"].Input)
	}
	if !tools["chat_wipe"].Destructive || !tools["chat_wipe"].Approval || tools["chat_post"].Approval || tools["chat_post"].ReadOnly {
		t.Errorf("the hints are wrong: %+v", tools)
	}
	for _, part := range []string{"chat_post", `"work chat"`, "Never write a value"} {
		if !strings.Contains(access, part) {
			t.Errorf("the access does not say %s: %s", part, access)
		}
	}
	_, none := o.with(o.me, hotcell.Narrowing{Tools: []string{"history"}}, c.ID)
	if tools, _ := o.list(none); len(tools) != 1 {
		t.Errorf("another job has %v", tools)
	}
}

func TestACallIsDoneAndOnRecord(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, reading, c.ID)
	if got := o.done(job, "chat_post", `{"channel":"#ops","text":"hello"}`); got != `{"done":"/post"}` {
		t.Errorf("the result is %s", got)
	}
	if came := o.arrived(); len(came) != 1 || !strings.HasPrefix(came[0], `POST example.com/post {"channel":"#ops"`) {
		t.Errorf("arrived %q", came)
	}
	if got := o.done(job, "chat_history", `{"channel":"a b"}`); got == "" {
		t.Error("no result")
	}
	if came := o.arrived(); len(came) != 1 || !strings.HasPrefix(came[0], "GET example.com/channels/a%20b/messages") {
		t.Errorf("arrived %q", came)
	}
	calls := o.events(hotcell.EventFilter{Kind: "connection.call"})
	if len(calls) != 2 || calls[0].Name != "work chat/post" || calls[0].Host != "example.com:443" || calls[0].Credential != c.ID || calls[0].Job != job ||
		calls[0].Member != o.me.Member || calls[0].Decision != hotcell.Allowed {
		t.Errorf("the log has %+v", calls)
	}
}

func TestACallThatTheServiceRefuses(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, reading, c.ID)
	o.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"error":{"message":"slow down"}}`))
	})
	answer, err := o.call(job, "chat_history", `{"channel":"x"}`)
	must(t, err)
	if e := answer.Error; e == nil || e.Code != "rate_limited" || e.Status != 429 || !e.Retryable || e.RetryAfter != 17 || !strings.Contains(e.Message, "slow down") {
		t.Errorf("got %+v", answer.Error)
	}
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"message":"no channel for ` + r.Header.Get("Authorization") + `"}`))
	})
	answer, err = o.call(job, "chat_history", `{"channel":"x"}`)
	must(t, err)
	if e := answer.Error; e == nil || e.Code != "service" || e.Status != 404 || e.Retryable || !strings.Contains(e.Message, "no channel") {
		t.Errorf("got %+v", answer.Error)
	}
}

func TestWhatIsNotAttachedCannotBeCalled(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	on, job := o.with(o.me, post, c.ID)
	for _, tool := range []string{"chat_history", "chat_wipe", "post", "chat_", "chat_post ", "CHAT_POST", "chat_post\x00", "сhat_post", "../chat_post", ""} {
		o.refuses(job, tool, `{"channel":"#ops","text":"t"}`, "not_found", "chat_post")
	}
	fine := `{"channel":"#ops","text":"t"}`
	if _, err := o.call("job_of_nobody", "chat_post", fine); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a job that is not there: %v", err)
	}
	waiting := o.job(o.me, on)
	if _, err := o.call(waiting, "chat_post", fine); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a job that has not started: %v", err)
	}
	o.end(job)
	if _, err := o.call(job, "chat_post", fine); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a job that has ended: %v", err)
	}
	if came := o.arrived(); len(came) != 0 {
		t.Errorf("arrived %q", came)
	}
	if n := len(o.events(hotcell.EventFilter{Kind: "connection.call", Decision: hotcell.Refused})); n < 10 {
		t.Errorf("%d refusals are on record", n)
	}
}

func TestArgumentsThatAreNoneOfTheTools(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, reading, c.ID)
	for _, arguments := range []string{
		``, `{}`, `null`, `[]`, `"x"`, `7`, `{"channel":"#ops"}`, `{"channel":7,"text":"t"}`, `{"channel":null,"text":"t"}`,
		`{"channel":["#ops"],"text":"t"}`, `{"channel":{"a":1},"text":"t"}`, `{"channel":"#ops","text":"t","more":1}`,
		`{"channel":"#ops","text":"t","__proto__":{"x":1}}`, `{"channel":"#ops","text":"t","connection":"work chat"}`,
		`{"channel":"#ops","text":"t","meta":{"level":"1"}}`, `{"channel":"#ops","text":"t","meta":{"level":1.5}}`,
		`{"channel":"#ops","text":"t","meta":{"level":1e999}}`, `{"channel":"#ops","text":"t","meta":{"other":1}}`, `{"channel":"#ops","text":"t","meta":[]}`,
		`{"channel":"#ops","text":"t","notify":"false"}`, `{"channel":"#ops","text":"t","notify":0}`,
		`{"channel":"#ops","text":"` + strings.Repeat("x", 1001) + `"}`,
		`{"channel":"#ops","text":"t","channel":"#dev"}`, `{"channel":"#ops","text":"t","meta":{"level":1,"level":2}}`,
		`{"Channel":"#ops","text":"t"}`, `{"channel":"#ops","text":"t","meta":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `}`,
	} {
		o.refuses(job, "chat_post", arguments, "invalid", "")
	}
	for _, arguments := range []string{`{"channel":"."}`, `{"channel":".."}`, `{"channel":""}`, `{"channel":"x","limit":101}`, `{"channel":"x","limit":1e3}`, `{"channel":"x","limit":0}`} {
		o.refuses(job, "chat_history", arguments, "invalid", "")
	}
}

func TestRulesCannotBeGoneAround(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, hotcell.Narrowing{Tools: []string{"post", "history"}, Rules: []hotcell.ToolRule{
		{Tool: "post", When: `args.channel == "#ops" && !args.text.contains("@all") && (!has(args.thread) || args.thread != "0")`},
		{Tool: "post", When: `!args.notify`},
		{Tool: "history", When: `args.limit < 10`},
	}}, c.ID)
	o.done(job, "chat_post", `{"channel":"#ops","text":"t"}`)
	o.done(job, "chat_post", `{"channel":"\u0023ops","text":"t"}`)
	o.arrived()
	for _, arguments := range []string{
		`{"channel":"#dev","text":"t"}`, `{"channel":"#ops ","text":"t"}`, `{"channel":"＃ops","text":"t"}`, `{"channel":"#оps","text":"t"}`,
		`{"channel":"#ops\u0000","text":"t"}`, `{"channel":"#ops\u200b","text":"t"}`, `{"channel":"#OPS","text":"t"}`, `{"channel":"","text":"t"}`,
		`{"channel":"#ops","text":"t @all"}`, `{"channel":"#ops","text":"t \u0040all"}`, `{"channel":"#ops","text":"t","thread":"0"}`, `{"channel":"#ops","text":"t","notify":true}`,
	} {
		o.refuses(job, "chat_post", arguments, "refused", "rule")
	}
	// What a rule needs and is not there cannot be decided, so it is refused.
	for _, arguments := range []string{`{"channel":"x"}`, `{"channel":"x","limit":10}`, `{"channel":"x","limit":99}`} {
		o.refuses(job, "chat_history", arguments, "refused", "rule")
	}
	// Two of one name: whichever a reader takes, it is not let through.
	for _, arguments := range []string{`{"channel":"#dev","text":"t","channel":"#ops"}`, `{"channel":"#ops","text":"t","channel":"#dev"}`, `{"channel":"#ops","chan\u006eel":"#dev","text":"t"}`} {
		o.refuses(job, "chat_post", arguments, "invalid", "")
	}
}

func TestTwoAccountsOfOneService(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	one, two := o.plant("one"), o.plant("two")
	a, b := o.account(o.me, "work", one), o.account(o.me, "home", two)
	_, job := o.with(o.me, post, a.ID, b.ID)
	tools, _ := o.list(job)
	var schema struct {
		Properties map[string]struct {
			Enum []string `json:"enum"`
		} `json:"properties"`
		Required []string `json:"required"`
	}
	if err := json.Unmarshal(tools["chat_post"].Input, &schema); err != nil || len(tools) != 1 || fmt.Sprint(schema.Properties["connection"].Enum) != "[work home]" ||
		!strings.Contains(fmt.Sprint(schema.Required), "connection") {
		t.Fatalf("listed %s, %v", tools["chat_post"].Input, err)
	}
	used := make(chan string, 1)
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		used <- strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		_, _ = w.Write([]byte(`{}`))
	})
	for alias, key := range map[string]string{"work": one, "home": two} {
		o.done(job, "chat_post", `{"connection":"`+alias+`","channel":"#ops","text":"t"}`)
		if got := <-used; got != key {
			t.Errorf("%s used another key", alias)
		}
	}
	o.arrived()
	for _, arguments := range []string{
		`{"channel":"#ops","text":"t"}`, `{"connection":"","channel":"#ops","text":"t"}`, `{"connection":"other","channel":"#ops","text":"t"}`,
		`{"connection":"WORK","channel":"#ops","text":"t"}`,
	} {
		o.refuses(job, "chat_post", arguments, "invalid", `"work"`)
	}
	for _, arguments := range []string{
		`{"connection":["work"],"channel":"#ops","text":"t"}`, `{"connection":"work","connection":"home","channel":"#ops","text":"t"}`,
		`{"connection":"work","channel":"#ops","text":"t","channel":"#x"}`, `[]`,
	} {
		o.refuses(job, "chat_post", arguments, "invalid", "")
	}
}

func TestAPersonalConnectionOfSomebodyElse(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	mine, theirs := o.account(o.me, "mine", o.plant("mine")), o.account(o.b, "theirs", o.plant("theirs"))
	on := o.assignment(o.me, "shared work")
	_, err := o.tools(o.me, on, theirs.ID, post)
	refused(t, "attaching another's", err, hotcell.ErrNotFound, "credential")
	_, err = o.tools(o.me, on, mine.ID, post)
	must(t, err)
	refused(t, "a colleague's job", o.begin(o.job(o.b, on)), hotcell.ErrDenied, "personal to another member")
	o.share(o.me, mine.ID, true)
	job := o.run(o.b, on)
	o.done(job, "chat_post", `{"channel":"#ops","text":"t"}`)
	o.arrived()
	o.share(o.me, mine.ID, false)
	if _, err := o.call(job, "chat_post", `{"channel":"#ops","text":"t"}`); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("after it was taken back: %v", err)
	}
	if came := o.arrived(); len(came) != 0 {
		t.Errorf("arrived %q", came)
	}
}

func TestWhatIsTakenAwayEndsCallsThatAreUnderWay(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(o *office, at hotcell.AttachmentID, c hotcell.Credential, job hotcell.JobID) error{
		"detached": func(o *office, at hotcell.AttachmentID, _ hotcell.Credential, _ hotcell.JobID) error {
			return o.control.Detach(o.t.Context(), &vaultrpc.DetachRequest{By: vaultrpc.As(o.me), Attachment: at})
		},
		"cancelled": func(o *office, _ hotcell.AttachmentID, _ hotcell.Credential, job hotcell.JobID) error {
			return o.control.CancelJob(o.t.Context(), &vaultrpc.CancelJobRequest{By: vaultrpc.As(o.me), Job: job})
		},
		"deleted": func(o *office, _ hotcell.AttachmentID, c hotcell.Credential, _ hotcell.JobID) error {
			return o.control.DeleteCredential(o.t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(o.me), ID: c.ID})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			came := make(chan struct{})
			o.answers(func(_ http.ResponseWriter, r *http.Request) {
				close(came)
				<-r.Context().Done()
			})
			c := o.account(o.me, "work chat", o.plant("key"))
			on := o.assignment(o.me, "work")
			at, err := o.tools(o.me, on, c.ID, post)
			must(t, err)
			job := o.run(o.me, on)
			ended := make(chan error, 1)
			go func() {
				_, err := o.call(job, "chat_post", `{"channel":"#ops","text":"t"}`)
				ended <- err
			}()
			<-came
			must(t, end(o, at, c, job))
			select {
			case err := <-ended:
				if !errors.Is(err, hotcell.ErrDenied) {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(time.Second):
				t.Error("it goes on after a second")
			}
		})
	}
}

func TestWhatMayBeAttachedAsTools(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c, s := o.account(o.me, "work chat", o.plant("key")), o.secret(o.me, "billing", "TOKEN_OF_MINE", o.plant("v"))
	on := o.assignment(o.me, "work")
	rules := func(when string) hotcell.Narrowing {
		return hotcell.Narrowing{Tools: []string{"post"}, Rules: []hotcell.ToolRule{{When: `true`}, {When: when}}}
	}
	for what, n := range map[string]hotcell.Narrowing{
		"no tools":                 {},
		"a tool that is not there": {Tools: []string{"post", "fly"}},
		"a tool by both its names": {Tools: []string{"post", "chat_post"}},
		"a tool twice":             {Tools: []string{"post", "post"}},
		"no name":                  {Tools: []string{""}},
		"hosts":                    {Tools: []string{"post"}, Hosts: []string{"example.com"}},
		"methods":                  {Tools: []string{"post"}, Methods: []string{"GET"}},
		"paths":                    {Tools: []string{"post"}, Paths: []string{"/x"}},
		"bodies":                   {Tools: []string{"post"}, Bodies: true},
		"a rule for another tool":  {Tools: []string{"post"}, Rules: []hotcell.ToolRule{{Tool: "wipe", When: "true"}}},
		"approval of another tool": {Tools: []string{"post"}, Approve: []string{"wipe"}},
		"another tool unasked":     {Tools: []string{"post"}, Unasked: []string{"wipe"}},
		"asked and unasked":        {Tools: []string{"wipe"}, Approve: []string{"wipe"}, Unasked: []string{"wipe"}},
		"all asked, one not":       {Tools: []string{"wipe"}, Approve: []string{"*"}, Unasked: []string{"wipe"}},
		"an empty rule":            rules(""),
		"no rule":                  rules(`args.channel ==`),
		"a rule of no truth":       rules(`"yes"`),
		"a rule on what is not":    rules(`secrets.token == "x"`),
		"a rule that is too long":  rules(`args.x == "` + strings.Repeat("x", 5000) + `"`),
	} {
		_, err := o.tools(o.me, on, c.ID, n)
		if !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
		if field, ok := errors.AsType[*hotcell.FieldError](err); strings.Contains(what, "rule o") && (!ok || field.Pointer != "/rules/1/when") {
			t.Errorf("%s: the pointer is %+v", what, field)
		}
	}
	_, err := o.tools(o.me, on, s.ID, post)
	refused(t, "a secret", err, hotcell.ErrInvalid, "secret")
	for what, r := range map[string]*vaultrpc.AttachRequest{
		"tools as http": {By: vaultrpc.As(o.me), Assignment: on, Credential: c.ID, As: hotcell.InjectHTTP, Narrowing: post},
		"tools as env":  {By: vaultrpc.As(o.me), Assignment: on, Credential: s.ID, As: hotcell.InjectEnvironment, Narrowing: post},
	} {
		if _, err := o.control.Attach(t.Context(), r); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := o.tools(o.me, on, c.ID, hotcell.Narrowing{Tools: []string{"post", "wipe"}, Approve: []string{"post"}, Unasked: []string{"wipe"}}); err != nil {
		t.Errorf("what is well: %v", err)
	}
}

func TestCallsOfAJobWaitForNobodyElse(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, post, c.ID)
	ctx, cancel := context.WithCancel(t.Context())
	came := make(chan struct{})
	o.answers(func(_ http.ResponseWriter, r *http.Request) {
		close(came)
		<-r.Context().Done()
	})
	ended := make(chan error, 1)
	go func() {
		_, err := o.worker.CallTool(ctx, &vaultrpc.CallToolRequest{Job: job, Tool: "chat_post", Arguments: json.RawMessage(`{"channel":"#ops","text":"t"}`)})
		ended <- err
	}()
	<-came
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
	o.answers(nil)
	o.done(job, "chat_post", `{"channel":"#ops","text":"t"}`)
}

func TestEachCallHasAnIdOfItsOwn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, reading, c.ID)
	var mu sync.Mutex
	seen := map[string]bool{}
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Header.Get("Idempotency-Key")] = true
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"done":"yes"}`)
	})
	for range 3 {
		o.done(job, "chat_post", `{"channel":"#ops","text":"hello"}`)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 3 || seen[""] {
		t.Errorf("%v", seen)
	}
}

func TestToolsThatAreAddedAreThereFromTheNextJobOn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	on := o.assignment(o.me, "work")
	rule := hotcell.ToolRule{Tool: "chat_post", When: `args.channel == "#ops"`}
	at, err := o.tools(o.me, on, c.ID, hotcell.Narrowing{Tools: []string{"chat_post"}, Rules: []hotcell.ToolRule{rule}})
	must(t, err)
	job := o.run(o.me, on)
	change := func(n hotcell.Narrowing) error {
		_, err := o.control.ChangeAttachment(t.Context(), &vaultrpc.ChangeAttachmentRequest{By: vaultrpc.As(o.me), Attachment: at, Narrowing: n})
		return err
	}
	refused(t, "a rule on what is no argument", change(hotcell.Narrowing{Tools: []string{"chat_post"}, Rules: []hotcell.ToolRule{{When: `args.nope == "x"`}}}), hotcell.ErrInvalid, "has no argument nope")
	must(t, change(hotcell.Narrowing{Tools: []string{"chat_post"}}))
	o.refuses(job, "chat_post", `{"channel":"#other","text":"t"}`, "refused", "")
	o.done(job, "chat_post", `{"channel":"#ops","text":"t"}`)
	o.done(o.run(o.me, on), "chat_post", `{"channel":"#other","text":"t"}`)
	must(t, change(hotcell.Narrowing{Tools: []string{"chat_post"}, Rules: []hotcell.ToolRule{rule}}))
	if _, err := o.call(job, "chat_post", `{"channel":"#ops","text":"t"}`); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("after less is allowed: %v", err)
	}
}
