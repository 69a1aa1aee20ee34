package vault_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"hotcell"
)

func TestTwoConnectionsOfOneName(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	keys := map[string]string{"work (shared)": o.plant("shared"), "work (personal)": o.plant("personal"), "other": o.plant("other")}
	shared := o.account(o.me, "work", keys["work (shared)"])
	o.share(o.me, shared.ID, true)
	personal, other := o.account(o.me, "work", keys["work (personal)"]), o.account(o.me, "other", keys["other"])
	on := o.assignment(o.me, "report")
	for id, when := range map[hotcell.CredentialID]string{shared.ID: `args.channel == "#all"`, personal.ID: `args.channel == "#mine"`, other.ID: "true"} {
		_, err := o.tools(o.me, on, id, hotcell.Narrowing{Tools: []string{"post"}, Rules: []hotcell.ToolRule{{When: when}}})
		must(t, err)
	}
	job := o.run(o.me, on)
	tools, access := o.list(job)
	for alias := range keys {
		if !strings.Contains(string(tools["chat_post"].Input), `"`+alias+`"`) || !strings.Contains(access, `"`+alias+`"`) {
			t.Errorf("%q is not in %s and %s", alias, tools["chat_post"].Input, access)
		}
	}
	used := make(chan string, 1)
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		used <- strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		_, _ = w.Write([]byte(`{}`))
	})
	for alias, channel := range map[string]string{"work (shared)": "#all", "work (personal)": "#mine", "other": "#x"} {
		o.done(job, "chat_post", `{"connection":"`+alias+`","channel":"`+channel+`","text":"t"}`)
		if got := <-used; got != keys[alias] {
			t.Errorf("%s used another key", alias)
		}
	}
	o.arrived()
	o.refuses(job, "chat_post", `{"connection":"work","channel":"#all","text":"t"}`, "invalid", `"work (personal)"`)
	o.refuses(job, "chat_post", `{"connection":"work (personal)","channel":"#all","text":"t"}`, "refused", "a rule")
}

func TestAnArgumentOfTheToolsOwnIsNotTaken(t *testing.T) {
	t.Parallel()
	o := newOfficeOf(t, strings.NewReplacer("thread: {type: string}", "connection: {type: string}", `notify: "${args.notify}"`, `from: "${args.connection}"`).Replace(chat))
	var ids []hotcell.CredentialID
	for _, name := range []string{"work", "home"} {
		ids = append(ids, o.account(o.me, name, o.plant(name)).ID)
	}
	_, alone := o.with(o.me, post, ids[0])
	_, both := o.with(o.me, post, ids...)
	came := make(chan string, 1)
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		came <- string(text)
		_, _ = w.Write([]byte(`{}`))
	})
	for job, which := range map[hotcell.JobID]string{alone: "", both: `"hotcell_connection":"home",`} {
		o.done(job, "chat_post", `{`+which+`"connection":"the train's","channel":"#ops","text":"t"}`)
		if got := <-came; !strings.Contains(got, "the train's") {
			t.Errorf("what arrived is %s", got)
		}
	}
	o.arrived()
	o.refuses(both, "chat_post", `{"connection":"home","channel":"#ops","text":"t"}`, "invalid", `"hotcell_connection"`)
}
