package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// asked is a job whose posts wait for a person.
func asked(t *testing.T) (*office, hotcell.JobID) {
	t.Helper()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, hotcell.Narrowing{Tools: []string{"post", "history", "wipe"}, Approve: []string{"post"}}, c.ID)
	return o, job
}

const hello = `{"channel":"#ops","text":"hello"}`

func TestACallThatWaitsIsMadeOnceItIsApproved(t *testing.T) {
	t.Parallel()
	o, job := asked(t)
	id := o.waits(job, "chat_post", hello)
	if again := o.waits(job, "chat_post", `{"text":"hello", "channel":"#ops"}`); again != id {
		t.Error("the same call was asked for twice")
	}
	if came := o.arrived(); len(came) != 0 {
		t.Fatalf("arrived %q", came)
	}
	shown, err := o.control.Request(t.Context(), &vaultrpc.RequestRequest{By: vaultrpc.As(o.me), ID: id})
	must(t, err)
	q := shown.Request
	if q.Kind != hotcell.RequestCall || q.State != hotcell.RequestPending || q.Call == nil || q.Call.Tool != "post" || q.Call.Connection != "work chat" ||
		string(q.Call.Arguments) != `{"channel":"#ops","notify":false,"text":"hello"}` || q.Job != job {
		t.Errorf("people see %+v, %+v", q, q.Call)
	}
	o.refusesNothing(job, id, hotcell.RequestPending)
	must(t, o.decides(o.me, id, true))
	o.refusesNothing(job, id, hotcell.RequestApproved)
	o.refuses(job, "chat_post", `{"channel":"#ops","text":"hello!"}`, "refused", "another call", id)
	o.refuses(job, "chat_wipe", `{"channel":"#ops"}`, "refused", "another call", id)
	o.done(job, "chat_post", hello, id)
	if came := o.arrived(); len(came) != 1 {
		t.Errorf("arrived %q", came)
	}
	o.refuses(job, "chat_post", hello, "refused", "made already", id)
	if next := o.waits(job, "chat_post", hello); next == id {
		t.Error("an approval was used twice")
	}
	if err := o.decides(o.me, id, true); !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("decided twice: %v", err)
	}
	o.waits(job, "chat_wipe", `{"channel":"#ops"}`) // its connector says so
	o.done(job, "chat_history", `{"channel":"#ops"}`)
}

// refusesNothing holds what a job is told of its request against a state.
func (o *office) refusesNothing(job hotcell.JobID, id hotcell.RequestID, want hotcell.RequestState) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 300*time.Millisecond)
	defer cancel()
	answer, err := o.worker.AwaitRequest(ctx, &vaultrpc.AwaitRequestRequest{Job: job, ID: id})
	if want == hotcell.RequestPending && errors.Is(err, context.DeadlineExceeded) {
		return
	}
	must(o.t, err)
	if answer.Request.State != want {
		o.t.Errorf("the job is told that its request is %s, want %s", answer.Request.State, want)
	}
}

func TestAnApprovedCallIsMadeWithoutItsRequestToo(t *testing.T) {
	t.Parallel()
	o, job := asked(t)
	must(t, o.decides(o.me, o.waits(job, "chat_post", hello), true))
	o.done(job, "chat_post", hello)
	o.waits(job, "chat_post", hello)
}

func TestARefusedCall(t *testing.T) {
	t.Parallel()
	o, job := asked(t)
	id := o.waits(job, "chat_post", hello)
	must(t, o.decides(o.me, id, false))
	o.refuses(job, "chat_post", hello, "refused", "a person refused")
	o.refuses(job, "chat_post", hello, "refused", "a person refused", id)
	o.waits(job, "chat_post", `{"channel":"#ops","text":"another"}`)
}

func TestTwoCallsRaceForOneApproval(t *testing.T) {
	t.Parallel()
	o, job := asked(t)
	id := o.waits(job, "chat_post", hello)
	must(t, o.decides(o.me, id, true))
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			r := &vaultrpc.CallToolRequest{Job: job, Tool: "chat_post", Arguments: json.RawMessage(hello), Shown: json.RawMessage(hello)}
			if i%2 == 0 {
				r.Approved = id
			}
			if _, err := o.worker.CallTool(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if came := o.arrived(); len(came) != 1 {
		t.Errorf("one approval made %d calls", len(came))
	}
}

func TestACallThatNobodyDecidesOnExpires(t *testing.T) {
	t.Parallel()
	o, job := asked(t)
	id, late := o.waits(job, "chat_post", hello), o.waits(job, "chat_wipe", `{"channel":"x"}`)
	o.ticks.Add(time.Hour.Milliseconds())
	if err := o.decides(o.me, id, true); !errors.Is(err, hotcell.ErrConflict) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("decided too late: %v", err)
	}
	o.refusesNothing(job, late, hotcell.RequestExpired)
	o.refuses(job, "chat_post", hello, "refused", "in time", id)
	list, err := o.control.Requests(t.Context(), &vaultrpc.RequestsRequest{By: vaultrpc.As(o.me), State: hotcell.RequestPending})
	must(t, err)
	if len(list.Requests) != 0 {
		t.Errorf("people see that these wait: %+v", list.Requests)
	}
	if next := o.waits(job, "chat_post", hello); next == id {
		t.Error("it waits for what has expired")
	}
}

func TestTheEndOfAJobEndsWhatWaits(t *testing.T) {
	t.Parallel()
	o, job := asked(t)
	id := o.waits(job, "chat_post", hello)
	told := make(chan hotcell.RequestState, 1)
	go func() {
		answer, err := o.worker.AwaitRequest(t.Context(), &vaultrpc.AwaitRequestRequest{Job: job, ID: id})
		if err != nil {
			t.Error(err)
			close(told)
			return
		}
		told <- answer.Request.State
	}()
	o.end(job)
	if state := <-told; state != hotcell.RequestExpired {
		t.Errorf("the request is %s", state)
	}
	if err := o.decides(o.me, id, true); !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("decided after the end: %v", err)
	}
}

func TestOnlySoManyCallsWait(t *testing.T) {
	t.Parallel()
	o, job := asked(t)
	for i := range 20 {
		o.waits(job, "chat_post", fmt.Sprintf(`{"channel":"#ops","text":"%d"}`, i))
	}
	o.refuses(job, "chat_post", `{"channel":"#ops","text":"one more"}`, "rate_limited", "wait")
}

func TestWhoDecidesOnCalls(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	boss := o.scene.member("mem_boss", "Bo", hotcell.RoleManager)
	c := o.account(o.b, "berta's", o.plant("key"))
	_, job := o.with(o.b, hotcell.Narrowing{Tools: []string{"post"}, Approve: []string{"*"}}, c.ID)
	id := o.waits(job, "chat_post", hello)
	for who, p := range map[string]hotcell.Principal{"a member": o.m, "nobody": o.judged(hotcell.Principal{Workspace: o.me.Workspace, Member: "mem_none", Via: "test"})} {
		if err := o.decides(p, id, true); err == nil {
			t.Errorf("%s decided", who)
		}
	}
	seen, err := o.control.Request(t.Context(), &vaultrpc.RequestRequest{By: vaultrpc.As(boss), ID: id})
	must(t, err)
	if seen.Request.Call.Connection == "berta's" {
		t.Error("a manager is told the name of a personal connection")
	}
	if _, err := o.control.DecideRequest(t.Context(), &vaultrpc.DecideRequestRequest{By: vaultrpc.As(o.b), ID: id, Approve: true, Standing: true}); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("a standing approval: %v", err)
	}
	must(t, o.decides(boss, id, true))
	o.done(job, "chat_post", hello, id)
	kinds := []string{}
	for _, e := range o.events(hotcell.EventFilter{Job: job}) {
		kinds = append(kinds, e.Kind+" "+string(e.Decision))
	}
	for _, want := range []string{"request.create allow", "request.approve allow", "connection.call allow"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("the log lacks %s: %q", want, kinds)
		}
	}
}

func TestAnApprovalOfAnotherJob(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	on, one := o.with(o.me, hotcell.Narrowing{Tools: []string{"post"}, Approve: []string{"post"}}, c.ID)
	two := o.run(o.me, on)
	id := o.waits(one, "chat_post", hello)
	must(t, o.decides(o.me, id, true))
	o.refuses(two, "chat_post", hello, "refused", "no such request", id)
	if _, err := o.worker.AwaitRequest(t.Context(), &vaultrpc.AwaitRequestRequest{Job: two, ID: id}); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("waiting for another's request: %v", err)
	}
}

func TestWhatPeopleAreShown(t *testing.T) {
	t.Parallel()
	o, job := asked(t)
	ask := func(arguments, shown string) (*vaultrpc.CallToolAnswer, hotcell.Request) {
		answer, err := o.worker.CallTool(t.Context(), &vaultrpc.CallToolRequest{Job: job, Tool: "chat_post", Arguments: json.RawMessage(arguments), Shown: json.RawMessage(shown)})
		must(t, err)
		if answer.Waits == "" {
			return answer, hotcell.Request{}
		}
		seen, err := o.control.Request(t.Context(), &vaultrpc.RequestRequest{By: vaultrpc.As(o.me), ID: answer.Waits})
		must(t, err)
		return answer, seen.Request
	}
	secret := o.plant("of another secret")
	_, q := ask(`{"channel":"#ops","text":"see `+secret+`"}`, `{"channel":"#ops","text":"see [hotcell:billing]"}`)
	if q.Call == nil || !strings.Contains(string(q.Call.Arguments), "[hotcell:billing]") {
		t.Errorf("people see %+v", q.Call)
	}
	long := strings.Repeat("ä", 490)
	if _, q = ask(`{"channel":"#ops","text":"`+long+`"}`, `{"channel":"#ops","text":"`+long+`"}`); q.Call == nil || !strings.Contains(string(q.Call.Arguments), long) {
		t.Error("a text of some length is not shown")
	}
	_, q = ask(`{"channel":"#ops","text":"abc\u202edef\u200b"}`, `{"channel":"#ops","text":"abc\u202edef\u200b"}`)
	if q.Call == nil || !strings.Contains(string(q.Call.Arguments), `\u202e`) || !strings.Contains(string(q.Call.Arguments), `\u200b`) {
		t.Errorf("what cannot be seen is not shown: %s", q.Call.Arguments)
	}
	for what, shown := range map[string]string{
		"nothing": ``, "another text": `{"channel":"#ops","text":"harmless"}`, "less": `{"channel":"#ops"}`, "more": `{"channel":"#ops","text":"bad","x":1}`,
		"no object": `"[hotcell:billing]"`, "no JSON": `[]`, "a mark for a short text": `{"channel":"#ops","text":"[hotcell:billing]"}`,
	} {
		if answer, _ := ask(`{"channel":"#ops","text":"bad"}`, shown); answer.Error == nil || answer.Error.Code != "invalid" {
			t.Errorf("%s is shown in the place of the arguments: %+v", what, answer)
		}
	}
}

// TestAGatewayThatLiesToPeople: what stands around a mark is what the call has.
func TestAGatewayThatLiesToPeople(t *testing.T) {
	t.Parallel()
	o := newOfficeOf(t, payDocument)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, hotcell.Narrowing{Tools: []string{"pay"}}, c.ID)
	came := `{"amount":1000000,"to":"eve, account 12345678","fast":true}`
	for _, shown := range []string{
		`{"amount":"1 [hotcell:x]","to":"eve, account 12345678","fast":true}`, `{"amount":"[hotcell:x]","to":"eve, account 12345678","fast":true}`,
		`{"amount":1000000,"to":"adam [hotcell:x]","fast":true}`, `{"amount":1000000,"to":"[hotcell:x], adam","fast":true}`,
		`{"amount":1000000,"to":"eve[hotcell:x]adam[hotcell:x]8","fast":true}`, `{"amount":1000000,"to":"eve, account 1234[hotcell:x]","fast":true}`,
		`{"amount":1000000,"to":"eve, account [hotcell:x]12345678","fast":true}`, `{"amount":1000000,"to":"eve, account 12345678","fast":"[hotcell:x]"}`,
		`{"amount":1000000,"to":["[hotcell:x]"],"fast":true}`, `{"amount":1000000,"to":"[hotcell:","fast":true}`,
	} {
		answer, err := o.worker.CallTool(t.Context(), &vaultrpc.CallToolRequest{Job: job, Tool: "chat_pay", Arguments: json.RawMessage(came), Shown: json.RawMessage(shown)})
		must(t, err)
		if answer.Error == nil || answer.Error.Code != "invalid" || answer.Waits != "" {
			t.Errorf("%s is shown for %s: %+v", shown, came, answer)
		}
	}
	for _, shown := range []string{`{"amount":1000000,"to":"eve, account [hotcell:x]","fast":true}`, `{"amount":1000000,"to":"[hotcell:x][hotcell:y]45678","fast":true}`} {
		answer, err := o.worker.CallTool(t.Context(), &vaultrpc.CallToolRequest{Job: job, Tool: "chat_pay", Arguments: json.RawMessage(came), Shown: json.RawMessage(shown)})
		must(t, err)
		if answer.Waits == "" {
			t.Errorf("%s is not shown: %+v", shown, answer.Error)
		}
	}
}

const payDocument = `
slug: chat
name: Chat
category: chat
about: A service of tests.
base: https://example.com
auth: {kind: key, put: {kind: bearer}}
tools:
- name: pay
  title: Pay
  about: Pay somebody.
  hint: write
  approve: true
  input: {type: object, properties: {amount: {type: integer}, to: {type: string}, fast: {type: boolean}}}
  request: {method: POST, path: /pay, json: {amount: "${args.amount}", to: "${args.to}"}}
`

// TestALongCallCanBeReadToItsEnd: in a list it is left out, by itself it is whole.
func TestALongCallCanBeReadToItsEnd(t *testing.T) {
	t.Parallel()
	o := newOfficeOf(t, payDocument)
	c := o.account(o.me, "work chat", o.plant("key"))
	_, job := o.with(o.me, hotcell.Narrowing{Tools: []string{"pay"}}, c.ID)
	id := o.waits(job, "chat_pay", `{"amount":1,"to":"`+strings.Repeat("x", 100_000)+`end"}`)
	one, err := o.control.Request(t.Context(), &vaultrpc.RequestRequest{By: vaultrpc.As(o.me), ID: id})
	must(t, err)
	if !strings.Contains(string(one.Request.Call.Arguments), "xend") {
		t.Error("the end of a long text cannot be read")
	}
	list, err := o.control.Requests(t.Context(), &vaultrpc.RequestsRequest{By: vaultrpc.As(o.me)})
	must(t, err)
	if len(list.Requests) != 1 || len(list.Requests[0].Call.Arguments) > 1000 || !json.Valid(list.Requests[0].Call.Arguments) {
		t.Errorf("a list has %d bytes of it", len(list.Requests[0].Call.Arguments))
	}
	o.refuses(job, "chat_pay", `{"amount":1,"to":"`+strings.Repeat("x", 300_000)+`"}`, "invalid", "too much")
}

func TestWhatBecameOfAnApprovalIsOnRecord(t *testing.T) {
	t.Parallel()
	o, job := asked(t)
	approved, late := o.waits(job, "chat_post", hello), o.waits(job, "chat_wipe", `{"channel":"x"}`)
	must(t, o.decides(o.me, approved, true))
	o.done(job, "chat_post", hello)
	o.ticks.Add(time.Hour.Milliseconds())
	o.refusesNothing(job, late, hotcell.RequestExpired)
	last := o.waits(job, "chat_wipe", `{"channel":"y"}`)
	o.end(job)
	calls := o.events(hotcell.EventFilter{Kind: "connection.call"})
	if len(calls) != 1 || calls[0].Request != string(approved) {
		t.Errorf("the call does not say who let it be made: %+v", calls)
	}
	reasons := map[string]string{}
	for _, e := range o.events(hotcell.EventFilter{Kind: "request.expire"}) {
		reasons[e.Request] = e.Reason
		if e.Job != job || e.Name != "work chat/wipe" || e.Decision != hotcell.Refused {
			t.Errorf("the log has %+v", e)
		}
	}
	if len(reasons) != 2 || reasons[string(late)] != "nobody decided in time" || reasons[string(last)] != "the job has ended" {
		t.Errorf("the log has %v", reasons)
	}
}

// TestTheTimeOfAnAgentElsewhereIsOver: the vault itself ends it, whatever the gateway
// believes.
func TestTheTimeOfAnAgentElsewhereIsOver(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work chat", o.plant("key"))
	on := o.assignment(o.me, "elsewhere")
	_, err := o.tools(o.me, on, c.ID, reading)
	must(t, err)
	job := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	_, err = o.control.CreateJob(t.Context(), &vaultrpc.CreateJobRequest{By: vaultrpc.As(o.me), Assignment: on, Job: job, External: time.Hour})
	must(t, err)
	must(t, o.begin(job))
	o.done(job, "chat_post", hello)
	o.arrived()
	o.ticks.Add(time.Hour.Milliseconds())
	_, err = o.call(job, "chat_post", hello)
	refused(t, "a call after its time", err, hotcell.ErrDenied, "its time is over")
	_, err = o.worker.ListTools(t.Context(), &vaultrpc.ListToolsRequest{Job: job})
	refused(t, "a list after its time", err, hotcell.ErrDenied, "its time is over")
	if came := o.arrived(); len(came) != 0 {
		t.Errorf("arrived %q", came)
	}
}
