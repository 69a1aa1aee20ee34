package vault_test

import (
	"encoding/json"
	"slices"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

func (s *scene) attachAs(on hotcell.AssignmentID, id hotcell.CredentialID, as hotcell.Injection, n hotcell.Narrowing) (*vaultrpc.AttachAnswer, error) {
	return s.control.Attach(s.t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(s.me), Assignment: on, Credential: id, As: as, Narrowing: n})
}

func (s *scene) bind(id hotcell.CredentialID, hosts ...string) (hotcell.Credential, error) {
	if hosts == nil {
		hosts = []string{}
	}
	return s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: id, Hosts: &hosts})
}

func TestASecretIsBoundToHosts(t *testing.T) {
	t.Parallel()
	s := setup(t)
	answer, err := s.control.CreateSecret(t.Context(), &vaultrpc.CreateSecretRequest{
		By: vaultrpc.As(s.me), Name: "billing", Hosts: []string{"API.Acme.Test.", "*.db.acme.test:5432"}, Variables: s.sealed("billing", "A", s.plant("a")),
	})
	must(t, err)
	c := answer.Credential
	if !slices.Equal(c.Hosts, []string{"api.acme.test", "*.db.acme.test:5432"}) || c.Version != 1 {
		t.Errorf("made %+v", c)
	}
	for _, bad := range [][]string{{"*"}, {"*.com"}, {"10.0.0.0/8"}, {"https://a.test"}, {"a.test", "A.test"}, {""}, make([]string, 51)} {
		_, err := s.bind(c.ID, bad...)
		refused(t, "hosts", err, hotcell.ErrInvalid, "hosts")
		_, err = s.control.CreateSecret(t.Context(), &vaultrpc.CreateSecretRequest{By: vaultrpc.As(s.me), Name: "other", Hosts: bad, Variables: s.sealed("other", "A", s.plant("a"))})
		refused(t, "hosts of a new one", err, hotcell.ErrInvalid, "hosts")
	}
	on := s.assignment(s.me, "report")
	_, err = s.attachAs(on, c.ID, "", hotcell.Narrowing{Hosts: []string{"api.acme.test:443", "eu.db.acme.test:5432"}})
	must(t, err)
	_, err = s.bind(c.ID, "api.acme.test")
	refused(t, "a change that leaves an attachment outside", err, hotcell.ErrConflict, "these do not cover")
	c, err = s.bind(c.ID, "api.acme.test", "*.db.acme.test")
	must(t, err)
	if c.Version != 1 || c.Revision != 2 {
		t.Errorf("bound anew %+v: no value changed", c)
	}
	job := s.run(s.me, on)
	if c, err = s.bind(c.ID); err != nil || len(c.Hosts) != 0 {
		t.Errorf("unbound %+v, %v", c, err)
	}
	rules, err := s.worker.Rules(t.Context(), job)
	if err != nil || len(rules.Uses) != 1 || !slices.Equal(rules.Uses[0].Hosts, []string{"api.acme.test:443", "eu.db.acme.test:5432"}) {
		t.Errorf("the job that runs has %+v, %v", rules, err)
	}
	_, err = s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.m), ID: c.ID, Hosts: &[]string{"evil.test"}})
	refused(t, "another's", err, hotcell.ErrNotFound, "")
}

func TestHowASecretIsAttached(t *testing.T) {
	t.Parallel()
	s := setup(t)
	free := s.secret(s.me, "free", "A", s.plant("a"))
	bound := s.secret(s.me, "bound", "B", s.plant("b"))
	_, err := s.bind(bound.ID, "*.acme.test", "db.test:5432")
	must(t, err)
	on := s.assignment(s.me, "report")
	hosts := func(h ...string) hotcell.Narrowing { return hotcell.Narrowing{Hosts: h} }
	for what, c := range map[string]struct {
		id        hotcell.CredentialID
		as        hotcell.Injection
		narrowing hotcell.Narrowing
		sentence  string
	}{
		"as http":                       {free.ID, hotcell.InjectHTTP, hotcell.Narrowing{}, `a secret is attached as "env" or "stand-in"`},
		"as nothing known":              {free.ID, "magic", hotcell.Narrowing{}, "a credential is attached as"},
		"a stand-in for nowhere":        {free.ID, hotcell.InjectStandIn, hotcell.Narrowing{}, "--hosts"},
		"methods of variables":          {free.ID, hotcell.InjectEnvironment, hotcell.Narrowing{Methods: []string{"GET"}}, "are of stand-ins"},
		"paths of variables":            {free.ID, "", hotcell.Narrowing{Paths: []string{"/v1"}}, "are of stand-ins"},
		"places of variables":           {free.ID, "", hotcell.Narrowing{Places: []string{"header:X-Key"}}, "are of stand-ins"},
		"anywhere in bodies":            {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Bodies: true}, "in fields that are named"},
		"a place that is none":          {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Places: []string{"header:X-Key", "X-Key"}}, "places.1: "},
		"a place twice":                 {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Places: []string{"header:X-Key", "header:x-key"}}, "already"},
		"a header of the connection":    {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Places: []string{"header:Host"}}, "no credential goes into"},
		"what it brings, of no kind":    {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Brings: []string{"everything"}}, "brings.0: "},
		"another host":                  {bound.ID, "", hosts("evil.test"), "bound to other hosts"},
		"its parent":                    {bound.ID, "", hosts("acme.test"), "bound to other hosts"},
		"two labels more":               {bound.ID, "", hosts("a.b.acme.test"), "bound to other hosts"},
		"any port where one is bound":   {bound.ID, "", hosts("db.test"), "bound to other hosts"},
		"one good, one bad":             {bound.ID, hotcell.InjectStandIn, hosts("x.acme.test", "db.test:1"), "hosts.1: "},
		"a pattern of patterns":         {free.ID, hotcell.InjectStandIn, hosts("*.*.test"), "hosts.0: "},
		"TRACE":                         {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Methods: []string{"GET", "TRACE"}}, "methods.1: "},
		"CONNECT":                       {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Methods: []string{"CONNECT"}}, "never let through"},
		"a method in small letters":     {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Methods: []string{"get"}}, "in capitals"},
		"a method twice":                {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Methods: []string{"GET", "GET"}}, "already"},
		"a path without /":              {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Paths: []string{"v1"}}, "begins with /"},
		"a path that climbs":            {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Paths: []string{"/v1/../admin"}}, "dot segments"},
		"a path with //":                {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Paths: []string{"/v1//x"}}, "no //"},
		"a path with a query":           {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Paths: []string{"/v1?a=b"}}, "without a query"},
		"a path that is encoded":        {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Paths: []string{"/v%31"}}, "decoded"},
		"part of a segment":             {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Paths: []string{"/v1/cus_*"}}, "stands for one whole segment"},
		"a rest in the middle":          {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Paths: []string{"/v1/**/x"}}, "at the end"},
		"more paths than anybody needs": {bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Paths: make([]string, 51)}, "at most 50"},
	} {
		_, err := s.attachAs(on, c.id, c.as, c.narrowing)
		refused(t, what, err, hotcell.ErrInvalid, c.sentence)
	}
	answer, err := s.attachAs(on, free.ID, "", hotcell.Narrowing{Hosts: []string{"API.acme.test"}})
	if err != nil || answer.Attachment.As != hotcell.InjectEnvironment || answer.Attachment.Hosts[0] != "api.acme.test" || answer.Opens != "" {
		t.Errorf("%+v, %v", answer, err)
	}
	_, err = s.attachAs(on, bound.ID, hotcell.InjectStandIn, hotcell.Narrowing{Methods: []string{"GET", "POST"}, Paths: []string{"/", "/v1/*", "/v1/**", "/v1/charges/"}, Places: []string{"body:token"}})
	must(t, err)
	_, err = s.bind(bound.ID)
	refused(t, "unbound under its stand-in", err, hotcell.ErrConflict, "stand-ins, which need some")
	shown, err := s.control.Assignment(t.Context(), &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on})
	must(t, err)
	for _, at := range shown.Attachments {
		if at.Tier != hotcell.TierSecret || len(at.Hosts) == 0 || at.HTTP != nil {
			t.Errorf("shown %+v", at)
		}
	}
	// Other stand-ins may go to the same hosts.
	third := s.secret(s.me, "third", "C", s.plant("c"))
	_, err = s.attachAs(on, third.ID, hotcell.InjectStandIn, hosts("x.acme.test"))
	must(t, err)
}

func TestHowAConnectionIsAttached(t *testing.T) {
	t.Parallel()
	s := setup(t)
	c := s.connection(s.me, "stripe", stripe, s.plant("k"))
	twin := s.connection(s.me, "twin", stripe, s.plant("t"))
	aside := s.connection(s.me, "aside", hotcell.HTTPAccess{Host: stripe.Host, Port: 8443, Auth: stripe.Auth}, s.plant("p"))
	on := s.assignment(s.me, "report")
	for what, c := range map[string]struct {
		as        hotcell.Injection
		narrowing hotcell.Narrowing
		sentence  string
	}{
		"as env":      {hotcell.InjectEnvironment, hotcell.Narrowing{}, `a connection is attached as "tools" or "http"`},
		"as stand-in": {hotcell.InjectStandIn, hotcell.Narrowing{}, `a connection is attached as "tools" or "http"`},
		"hosts":       {"", hotcell.Narrowing{Hosts: []string{stripe.Host}}, "its own host alone"},
		"places":      {"", hotcell.Narrowing{Places: []string{"query:key"}}, "where the connection says"},
	} {
		_, err := s.attachAs(on, twin.ID, c.as, c.narrowing)
		refused(t, what, err, hotcell.ErrInvalid, c.sentence)
	}
	narrow := func(methods, paths []string) hotcell.Narrowing {
		return hotcell.Narrowing{Methods: methods, Paths: paths}
	}
	answer, err := s.attachAs(on, c.ID, "", narrow([]string{"GET", "HEAD"}, []string{"/v1/charges", "/v1/refunds"}))
	must(t, err)
	if answer.Attachment.As != hotcell.InjectHTTP || answer.Opens != "api.stripe.test:443" {
		t.Errorf("%+v", answer)
	}
	for what, n := range map[string]hotcell.Narrowing{
		"all of it": {}, "all paths": narrow([]string{"GET"}, nil), "all methods of a path": narrow(nil, []string{"/v1/charges"}),
		"a pattern": narrow(nil, []string{"/v2/*"}), "one in common": narrow([]string{"HEAD", "PUT"}, []string{"/x", "/v1/refunds"}),
	} {
		_, err := s.attachAs(on, twin.ID, "", n)
		refused(t, what, err, hotcell.ErrConflict, `the connection "stripe" is attached for api.stripe.test:443 too`)
	}
	for _, n := range []hotcell.Narrowing{narrow([]string{"POST"}, nil), narrow([]string{"GET"}, []string{"/v1/balance"})} {
		answer, err := s.attachAs(on, twin.ID, "", n)
		must(t, err)
		must(t, s.control.Detach(t.Context(), &vaultrpc.DetachRequest{By: vaultrpc.As(s.me), Attachment: answer.Attachment.ID}))
	}
	_, err = s.attachAs(on, aside.ID, "", hotcell.Narrowing{})
	must(t, err)
	// Another key of the same service goes on beside it, into a place of its own.
	second := s.connection(s.me, "second", hotcell.HTTPAccess{Host: stripe.Host, Port: 443, Auth: hotcell.Auth{Kind: "header", Name: "X-Second-Key"}}, s.plant("s"))
	_, err = s.attachAs(on, second.ID, "", hotcell.Narrowing{})
	must(t, err)
	_, err = s.attachAs(on, c.ID, "", narrow([]string{"PUT"}, nil))
	refused(t, "twice", err, hotcell.ErrConflict, "is attached")

	work := hotcell.Work{Command: "true", Allow: []hotcell.Allow{{Host: stripe.Host, Port: 443, Protocol: hotcell.ProtocolHTTPS}}}
	listed, err := s.control.CreateAssignment(t.Context(), &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(s.me), Name: "listed", Work: work})
	must(t, err)
	if answer, err := s.attachAs(listed.Assignment.ID, c.ID, "", hotcell.Narrowing{}); err != nil || answer.Opens != "" {
		t.Errorf("a host that is in the list: %+v, %v", answer, err)
	}
	theirs := s.connection(s.b, "theirs", stripe, s.plant("b"))
	_, err = s.control.Attach(t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(s.b), Assignment: s.assignment(s.b, "shared"), Credential: theirs.ID})
	must(t, err)
	mine, err := s.control.Assignments(t.Context(), &vaultrpc.AssignmentsRequest{By: vaultrpc.As(s.me), Name: "shared"})
	must(t, err)
	_, err = s.attachAs(mine.Assignments[0].ID, c.ID, "", hotcell.Narrowing{})
	refused(t, "beside another's personal one", err, hotcell.ErrConflict, "a personal connection of a member is attached for")
}

func TestAgentsSeeWhatRulesLeave(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	work, home := o.account(o.me, "work", o.plant("work")), o.account(o.me, "home", o.plant("home"))
	on := o.assignment(o.me, "two accounts")
	for id, when := range map[hotcell.CredentialID]string{
		work.ID: `args.channel in ["#ops", "#dev"] && args.text == "hello" && args.thread == "1"`, home.ID: `args.channel == "#home" && args.text == "hello"`,
	} {
		_, err := o.tools(o.me, on, id, hotcell.Narrowing{Tools: []string{"post"}, Rules: []hotcell.ToolRule{{When: when}}})
		must(t, err)
	}
	job := o.run(o.me, on)
	tools, _ := o.list(job)
	var schema struct {
		Properties map[string]struct {
			Const any      `json:"const"`
			Enum  []string `json:"enum"`
		} `json:"properties"`
		Required []string `json:"required"`
	}
	must(t, json.Unmarshal(tools["chat_post"].Input, &schema))
	channels, thread := schema.Properties["channel"].Enum, schema.Properties["thread"]
	slices.Sort(channels)
	if !slices.Equal(channels, []string{"#dev", "#home", "#ops"}) || schema.Properties["text"].Const != "hello" || thread.Const != nil || thread.Enum != nil {
		t.Errorf("the schema is %s", tools["chat_post"].Input)
	}
	if !slices.Contains(schema.Required, "connection") || slices.Contains(schema.Required, "thread") {
		t.Errorf("what is required is %v", schema.Required)
	}
	o.done(job, "chat_post", `{"connection":"home","channel":"#home","text":"hello"}`)
	o.arrived()
	o.refuses(job, "chat_post", `{"connection":"home","channel":"#ops","text":"hello"}`, "refused", "rule")
}
