package shell_test

import (
	"os/exec"
	"strings"
	"testing"

	"hotcell/internal/text/shell"
)

func TestWhatNeedsNoQuotesHasNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"billing": "billing", "api.acme.com:8443": "api.acme.com:8443", "a/b_c-d@e": "a/b_c-d@e", "": "''", "portal ada": "'portal ada'", "x; touch /tmp/y": "'x; touch /tmp/y'",
		"it's": `'it'\''s'`, "~": "'~'", "=x": "'=x'", "a\nb": `$'a\012b'`, "\x1b[2J'": `$'\033[2J\''`, "$(id)": "'$(id)'", "zürich": "'zürich'",
	} {
		if got := shell.Quote(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}

// A real shell reads back what was written, whatever it is.
func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", "a b", "it's", "x; touch /tmp/y", "\x00", "\n", "`id`", "\\", "-n", "$'x'", "a\xffb", "\u0085", "!x", "*", "{a,b}", "~root", "a=b"} {
		f.Add(seed)
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		f.Skip("bash is not here")
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "\x00", "") // no argument has one
		out, err := exec.Command(bash, "--norc", "-c", "printf '%s' "+shell.Quote("x"+text)+" "+shell.Quote(text)).Output()
		if err != nil || string(out) != "x"+text+text {
			t.Errorf("%q is written %s and read %q, %v", text, shell.Quote(text), out, err)
		}
	})
}
