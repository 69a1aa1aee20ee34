package importer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/cli/importer"
	"hotcell/internal/value/sensitive"
)

func variables(pairs ...string) []importer.Variable {
	var out []importer.Variable
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, importer.Variable{Name: pairs[i], Value: sensitive.Copy([]byte(pairs[i+1]))})
	}
	return out
}

func TestWriteDotenvIsReadBack(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"plain":            "x",
		"white space":      " \t x \n",
		"single quote":     "it's",
		"all quotes":       "'\"`",
		"all and lines":    "'\"`\nx\r\ny",
		"returns":          "a\rb\r\n",
		"dollar":           "pa$$word${HOME}",
		"hash":             "# a #b",
		"ends with \\":     `C:\dir\`,
		"escapes":          `a\nb\\n\t`,
		"escapes, lines":   "a\\nb\nc",
		"invalid UTF-8":    "\xff\xfe\x80",
		"PEM":              "-----BEGIN KEY-----\nabc=\n-----END KEY-----\n",
		"looks like more":  "x\nB=y\n#c",
		"quote at the end": "x'`\"",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := variables("A", value, "B", "#'", "C", "`#", "D", "last")
			out, err := importer.WriteDotenv(want)
			if err != nil {
				t.Fatal(err)
			}
			same(t, out, want)
		})
	}
}

// same reads out and compares it with what was written.
func same(t *testing.T, out []byte, want []importer.Variable) {
	t.Helper()
	got, _, err := importer.ParseDotenv(out, importer.Verbatim)
	if err != nil {
		t.Fatalf("reading %q: %v", out, err)
	}
	var a, b []string
	for _, v := range want {
		a = append(a, v.Name, plain(t, v.Value))
	}
	for _, v := range got {
		b = append(b, v.Name, plain(t, v.Value))
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("%q (-want +got):\n%s", out, diff)
	}
}

func TestWriteDotenvRefusesWhatHasNoForm(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string][]importer.Variable{
		"empty":            variables("A", ""),
		"NUL":              variables("A", "x\x00"),
		"wrong name":       variables("A-B", "x"),
		"name with a line": variables("A=x\nB", "x"),
		"too long":         variables("A", strings.Repeat("v", hotcell.MaxValue+1)),
		"no form":          variables("OK", canary, "A", canary+"\r\\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := importer.WriteDotenv(bad)
			if !errors.Is(err, hotcell.ErrInvalid) || out != nil {
				t.Fatalf("%d bytes, error %v, want ErrInvalid", len(out), err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error holds the value: %v", err)
			}
		})
	}
}

func TestErrorsClearWhatWasRead(t *testing.T) {
	t.Parallel()
	got, notices, err := importer.ParseDotenv([]byte("A="+canary+"\nnot a line\n"), importer.Refuse)
	if err == nil || got != nil || notices != nil {
		t.Fatalf("%v, %v, %v: want an error alone", got, notices, err)
	}
}
