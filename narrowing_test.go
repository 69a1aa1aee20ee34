package hotcell_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"hotcell"
	"hotcell/test/prove"
)

// use is one thing that a job may do with a credential.
type use struct{ host, method, path, place, bring, tool string }

// may is the plain reading of a narrowing: whether it lets something be done, and whether
// that goes without a person and without a rule.
func may(n hotcell.Narrowing, u use) (done, unasked, unruled bool) {
	in := slices.Contains[[]string]
	free := func(list []string, one string) bool { return len(list) == 0 || in(list, one) }
	done = free(n.Hosts, u.host) && free(n.Methods, u.method) && free(n.Paths, u.path) && in(append(n.Places, "header"), u.place) && in(append(n.Brings, ""), u.bring) && in(n.Tools, u.tool)
	unasked = !in(n.Approve, u.tool) && !in(n.Approve, "*")
	unruled = !slices.ContainsFunc(n.Rules, func(r hotcell.ToolRule) bool { return r.Tool == "" || r.Tool == u.tool })
	return done, unasked, unruled
}

// TestProveThatWhatWidensAllowsAllThatItDid holds Widens against that reading, use by use.
func TestProveThatWhatWidensAllowsAllThatItDid(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 11))
	some := func(all ...string) []string {
		return slices.DeleteFunc(all, func(string) bool { return r.IntN(3) == 0 })
	}
	random := func() (n hotcell.Narrowing) {
		n.Hosts, n.Methods, n.Paths = some("a", "b"), some("GET", "POST"), some("/x", "/y")
		n.Places, n.Brings, n.Tools, n.Approve = some("path"), some("query:key"), some("one", "two"), some("one", "*")[:r.IntN(2)*r.IntN(2)]
		for _, tool := range some("", "one", "two")[:r.IntN(2)*r.IntN(2)] {
			n.Rules = append(n.Rules, hotcell.ToolRule{Tool: tool, When: "args.x == 1"})
		}
		n.Fill, n.Evaluate = r.IntN(8) == 0, r.IntN(8) == 0
		return n
	}
	widened := 0
	for range prove.Trials(20_000, 2_000_000) {
		was, now := random(), random()
		if r.IntN(2) == 0 { // what differs in one thing
			now = was
			now.Tools = append(slices.Clone(was.Tools), "three")
			now.Hosts = slices.Clone(was.Hosts)[:r.IntN(len(was.Hosts)+1)]
		}
		if !hotcell.Widens(was, now) {
			continue
		}
		widened++
		if was.Fill && !now.Fill || was.Evaluate && !now.Evaluate {
			t.Fatalf("%+v to %+v", was, now)
		}
		for _, u := range uses() {
			done, unasked, unruled := may(was, u)
			after, stillUnasked, stillUnruled := may(now, u)
			if done && (!after || unasked && !stillUnasked || unruled && !stillUnruled) {
				t.Fatalf("%+v to %+v: %+v", was, now, u)
			}
		}
	}
	if widened < 100 {
		t.Fatalf("%d widened", widened)
	}
}

func uses() (out []use) {
	for _, host := range []string{"a", "b", "c"} {
		for _, method := range []string{"GET", "POST", "PUT"} {
			for _, tool := range []string{"one", "two", "three"} {
				out = append(out, use{host, method, "/x", "header", "", tool}, use{host, method, "/y", "path", "", tool}, use{host, method, "/z", "header", "query:key", tool})
			}
		}
	}
	return out
}

func TestWidening(t *testing.T) {
	t.Parallel()
	was := hotcell.Narrowing{Tools: []string{"list"}, Methods: []string{"GET"}, Hosts: []string{"a.test"}, Approve: []string{"list"}, Rules: []hotcell.ToolRule{{Tool: "list", When: "args.x == 1"}}}
	with := func(change func(*hotcell.Narrowing)) hotcell.Narrowing {
		now := was
		change(&now)
		return now
	}
	for name, c := range map[string]struct {
		now  hotcell.Narrowing
		wide bool
	}{
		"the same": {was, true}, "a tool more": {with(func(n *hotcell.Narrowing) { n.Tools = []string{"list", "make"} }), true},
		"a tool more that asks": {with(func(n *hotcell.Narrowing) { n.Tools, n.Approve = []string{"list", "make"}, []string{"list", "make"} }), true},
		"a tool more with a rule": {with(func(n *hotcell.Narrowing) {
			n.Tools, n.Rules = []string{"list", "make"}, append(slices.Clone(n.Rules), hotcell.ToolRule{Tool: "make", When: "args.y == 1"})
		}), true},
		"no rule": {with(func(n *hotcell.Narrowing) { n.Rules = nil }), true}, "nobody asked": {with(func(n *hotcell.Narrowing) { n.Approve = nil }), true},
		"every method": {with(func(n *hotcell.Narrowing) { n.Methods = nil }), true}, "another tool": {with(func(n *hotcell.Narrowing) { n.Tools = []string{"make"} }), false},
		"every tool asks": {with(func(n *hotcell.Narrowing) { n.Approve = []string{"*"} }), false}, "another rule": {with(func(n *hotcell.Narrowing) {
			n.Rules = append(slices.Clone(n.Rules), hotcell.ToolRule{When: "args.y == 1"})
		}), false},
		"another method": {with(func(n *hotcell.Narrowing) { n.Methods = []string{"POST"} }), false}, "a path": {with(func(n *hotcell.Narrowing) { n.Paths = []string{"/x"} }), false},
	} {
		if hotcell.Widens(was, c.now) != c.wide {
			t.Errorf("%s: %t", name, !c.wide)
		}
	}
}
