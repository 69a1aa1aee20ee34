package rule_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/policy/rule"
)

func vars(args map[string]any) map[string]any {
	return map[string]any{"args": args, "tool": "post", "account": "ada@acme.test"}
}

func TestARuleIsTrueOrNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule string
		args map[string]any
		want bool
		fail bool
	}{
		{`args.channel == "#ops"`, map[string]any{"channel": "#ops"}, true, false},
		{`args.channel == "#ops"`, map[string]any{"channel": "#Ops"}, false, false},
		{`args.channel == "#ops"`, map[string]any{"channel": "#op\u0455"}, false, false},
		{`args.channel == "#ops"`, map[string]any{"channel": []any{"#ops"}}, false, false},
		{`args.channel == "#ops"`, map[string]any{"channel": nil}, false, false},
		{`args.channel == "#ops"`, map[string]any{}, false, true},
		{`args.to.all(a, a.endsWith("@acme.com"))`, map[string]any{"to": []any{"a@acme.com", "b@evil.com"}}, false, false},
		{`args.n < 10`, map[string]any{"n": int64(9)}, true, false},
		{`args.n < 10`, map[string]any{"n": 9.5}, true, false},
		{`args.n < 10`, map[string]any{"n": "9"}, false, true},
		{`args.channel`, map[string]any{"channel": "yes"}, false, true},
		{`tool == "post" && account.endsWith("@acme.test")`, nil, true, false},
	} {
		p, err := rule.Calls().Compile(c.rule)
		if err != nil {
			t.Fatalf("%s: %v", c.rule, err)
		}
		got, err := p.True(t.Context(), vars(c.args))
		if got != c.want || (err != nil) != c.fail {
			t.Errorf("%s of %v: %t, %v", c.rule, c.args, got, err)
		}
	}
}

func TestWhatIsNoExpressionIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"args.channel = 1", "nobody.x", "args.x +", strings.Repeat("a", 5000), "args.x.matches('(')" + strings.Repeat(" || true", 1000)} {
		if _, err := rule.Calls().Compile(text); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestAnExpressionEnds(t *testing.T) {
	t.Parallel()
	p, err := rule.Calls().Compile(`args.l.all(a, args.l.all(b, args.l.all(c, args.l.all(d, a + b + c + d > -1))))`)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]any, 1000)
	for i := range list {
		list[i] = int64(i)
	}
	if got, err := p.True(context.Background(), vars(map[string]any{"l": list})); got || err == nil {
		t.Errorf("%t, %v", got, err)
	}
}

func TestErrorsHoldNoValue(t *testing.T) {
	t.Parallel()
	p, err := rule.Calls().Compile(`int(args.secret) > 1`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.True(t.Context(), vars(map[string]any{"secret": "canary-value"})); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}

func TestPlainValuesComeOut(t *testing.T) {
	t.Parallel()
	p, err := rule.Calls().Compile(`{"a": args.x.map(i, {"n": i}), "b": b"raw", "c": optional.none(), "d": 2.5, "e": null}`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Eval(t.Context(), vars(map[string]any{"x": []any{int64(1), "two"}}))
	want := map[string]any{"a": []any{map[string]any{"n": int64(1)}, map[string]any{"n": "two"}}, "b": []byte("raw"), "c": nil, "d": 2.5, "e": nil}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
}

func TestWhatARuleFixes(t *testing.T) {
	t.Parallel()
	ops := []rule.Fix{{Argument: "c", Values: []any{"#ops"}}}
	for text, want := range map[string][]rule.Fix{
		`args.c == "#ops"`: ops, `5 == args.c`: {{Argument: "c", Values: []any{int64(5)}}}, `args.c != "#ops"`: nil, `args.c == tool`: nil, `args.c == "a" || true`: nil,
		`!(args.c == "a")`: nil, `args.c in ["a", "b"]`: {{Argument: "c", Values: []any{"a", "b"}}}, `args.c in ["a", tool]`: nil, `args.c in []`: nil,
		`args.c == "#ops" && args.d in [1, 2]`:                  {ops[0], {Argument: "d", Values: []any{int64(1), int64(2)}}},
		`(account == "x" && args.c == "#ops") && args.n < 5`:    ops,
		`args.c == "#ops" && (args.d == 1 || args.d == 2)`:      ops,
		`true ? args.c == "#ops" : args.c == "a"`:               nil,
		`args.c.d == "a" && args.l.exists(x, x == "a" && true)`: nil,
	} {
		p, err := rule.Calls().Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, p.Fixes()); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

func TestAQuestionAboutEachOfAList(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		when  string
		to    any
		yes   bool
		fails bool
	}{
		{`args.to.endsWith("@acme.com")`, "a@acme.com", true, false},
		{`args.to.endsWith("@acme.com")`, "a@evil.com", false, false},
		{`args.to.endsWith("@acme.com")`, []any{"a@acme.com", "b@acme.com"}, true, false},
		{`args.to.endsWith("@acme.com")`, []any{"a@evil.com"}, false, false},
		{`args.to.endsWith("@acme.com")`, []any{}, false, false},
		{`args.to.endsWith("@acme.com")`, []any{"a@acme.com", "b@evil.com"}, false, true},
		{`!args.to.endsWith("@evil.com")`, []any{"a@acme.com", "b@evil.com"}, false, true},
		{`args.to.startsWith("#")`, []any{"#ops", int64(7)}, false, true},
		{`args.to.startsWith("#")`, []any{"#ops"}, true, false},
		{`args.to.startsWith("#")`, int64(7), false, true},
	} {
		p, err := rule.Calls().Compile(c.when)
		if err != nil {
			t.Fatal(err)
		}
		yes, err := p.True(t.Context(), map[string]any{"args": map[string]any{"to": c.to}, "tool": "send", "account": ""})
		if yes != c.yes || (err != nil) != c.fails {
			t.Errorf("%s of %v: %v, %v", c.when, c.to, yes, err)
		}
	}
}
