package hotcell

import (
	"slices"
	"strings"
)

// everyTool in the list of those that wait for a person is all of them.
const everyTool = "*"

// Overlap says whether two clean paths are one, or one lies in the other.
func Overlap(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

// Widens says whether all that one narrowing allows, another does too. It may say no of
// one that does: whoever it says yes of, no job has to end for.
func Widens(was, now Narrowing) bool {
	return looser(was.Hosts, now.Hosts) && looser(was.Methods, now.Methods) && looser(was.Paths, now.Paths) &&
		within(was.Places, now.Places) && within(was.Brings, now.Brings) && within(was.Tools, now.Tools) &&
		slices.Equal(was.Files, now.Files) && rulesNoMore(was, now) && asksNoMore(was, now) &&
		(now.Fill || !was.Fill) && (now.Evaluate || !was.Evaluate)
}

// looser says so of a list that narrows nothing where it is empty.
func looser(was, now []string) bool {
	return len(now) == 0 || len(was) > 0 && within(was, now)
}

// within says whether all of one list are in another.
func within[T comparable](part, whole []T) bool {
	return !slices.ContainsFunc(part, func(one T) bool { return !slices.Contains(whole, one) })
}

// rulesNoMore says whether no call of a tool that was there has to keep a new rule.
func rulesNoMore(was, now Narrowing) bool {
	return !slices.ContainsFunc(now.Rules, func(r ToolRule) bool {
		return !slices.Contains(was.Rules, r) && (r.Tool == "" || slices.Contains(was.Tools, r.Tool))
	})
}

// asksNoMore says whether every call that went without a person still does. Of a tool
// that was not there, none did.
func asksNoMore(was, now Narrowing) bool {
	asked := slices.ContainsFunc(now.Approve, func(name string) bool {
		return !slices.Contains(was.Approve, name) && (name == everyTool || slices.Contains(was.Tools, name))
	})
	return (slices.Contains(was.Approve, everyTool) || !asked) && within(was.Unasked, now.Unasked)
}
