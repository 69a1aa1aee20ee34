package cli

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"hotcell"
	"hotcell/client"
)

// wordings are what the API's pointers are called on the command line. One with a
// number in it has an item of a list there, counted from 0.
var wordings = []struct {
	pointer *regexp.Regexp
	words   string
}{
	{regexp.MustCompile(`^/query/(state|decision|kind|limit|job|assignment|member|before|since|host)$`), "--$1"},
	{regexp.MustCompile(`^/work/limits/(timeout|memory|disk|pids)$`), "--$1"},
	{regexp.MustCompile(`^/work/environment(/.*)?$`), "--env"},
	{regexp.MustCompile(`^/(?:work/)?allow(/.*)?$`), "--allow"},
	{regexp.MustCompile(`^/work/(command|instructions|files|browser|agent)(/.*)?$`), "--$1"},
	{regexp.MustCompile(`^/(?:variables|set)/(\d+)(?:/.*)?$`), "variable #"},
	{regexp.MustCompile(`^/logins/(\d+)(?:/.*)?$`), "login #"},
	{regexp.MustCompile(`^/rules(/.*)?$`), "--when"},
	{regexp.MustCompile(`^/unasked(/.*)?$`), "--no-approval"},
	{regexp.MustCompile(`^/(as|hosts|methods|paths|places|brings|tools|approve|fill|evaluate|ttl|standing)(/.*)?$`), "--$1"},
	{regexp.MustCompile(`^/http/(host|port)$`), "--host"},
	{regexp.MustCompile(`^/http/auth/kind$`), "--auth"},
	{regexp.MustCompile(`^/http/auth/name$`), "--auth-name"},
	{regexp.MustCompile(`^/http/auth/(.*)$`), "--$1"},
	{regexp.MustCompile(`^/settings/([a-z_]+)$`), "--set $1"},
	{regexp.MustCompile(`^/from_(secret|variable)$`), "--from-secret"},
	{regexp.MustCompile(`^/fields(/.*)?$`), "the login's values"},
	{regexp.MustCompile(`^/header/If-Match$`), "the version"},
	{regexp.MustCompile(`^/url$`), "the URL"},
	{regexp.MustCompile(`^/after$`), "the page"},
}

// reworded says a pointer of the API's in the words of the command line; ok is false
// where it is no pointer that has others.
func reworded(pointer string) (words string, ok bool) {
	for _, w := range wordings {
		m := w.pointer.FindStringSubmatch(pointer)
		if m == nil {
			continue
		}
		words := strings.ReplaceAll(w.words, "$1", strings.ReplaceAll(second(m), "_", "-"))
		if n, err := strconv.Atoi(second(m)); err == nil {
			words = strings.ReplaceAll(words, "#", strconv.Itoa(n+1))
		}
		return words, true
	}
	return "", false
}

func second(m []string) string {
	if len(m) > 1 {
		return m[1]
	}
	return ""
}

// plainer are sentences of the API's description, and how people say them.
var plainer = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`expected value to be one of "([^"]+)"`), "it is one of $1"},
	{regexp.MustCompile(`expected (?:integer|number)\b( [<>]=? )?`), "it is a number$1"},
	{regexp.MustCompile(`expected number >= (\d+)`), "it is $1 or more"},
	{regexp.MustCompile(`expected number <= (\d+)`), "it is $1 at the most"},
	{regexp.MustCompile(`expected length <= (\d+)`), "it has $1 characters at the most"},
	{regexp.MustCompile(`expected length >= (\d+)`), "it has $1 characters at the least"},
	{regexp.MustCompile(`expected array length <= (\d+)`), "there are $1 at the most"},
	{regexp.MustCompile(`expected required property ([a-z_]+) to be present`), "$1 is needed"},
}

// trailing is the kind of an error behind its sentence, which has said it.
var trailing = regexp.MustCompile(`(?:: (?:conflict|invalid))+$`)

// inOurWords is an error's text, in the words of the command line and not the API's.
func inOurWords(err error) string {
	text := err.Error()
	pointer, reason := "", ""
	if e, ok := errors.AsType[*client.Error](err); ok && len(e.Fields) > 0 {
		pointer, reason = e.Fields[0].Pointer, e.Fields[0].Reason
	} else if f, ok := errors.AsType[*hotcell.FieldError](err); ok {
		pointer, reason = f.Pointer, f.Reason
	}
	if words, ok := reworded(pointer); ok && reason != "" {
		if i := strings.LastIndex(text, reason); i >= 0 {
			before := strings.TrimSuffix(text[:i], strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")+": ")
			text = before + words + ": " + text[i:]
		}
	}
	for _, p := range plainer {
		text = p.from.ReplaceAllString(text, p.to)
	}
	return trailing.ReplaceAllString(text, "")
}
