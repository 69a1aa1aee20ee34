package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"hotcell/internal/control/api/apitest"
)

// tree are all commands that do something, by their paths.
func tree(t *testing.T) map[string]*cobra.Command {
	t.Helper()
	a := &app{IO: IO{In: os.Stdin, Getenv: func(string) string { return "" }}}
	out := map[string]*cobra.Command{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.RunE != nil && !c.HasSubCommands() {
			out[strings.TrimPrefix(c.CommandPath(), "hotcell ")] = c
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(a.root(nil))
	if len(out) < 50 {
		t.Fatalf("there are %d commands", len(out))
	}
	return out
}

// commandLine runs a command line where nobody can be asked.
func commandLine(t *testing.T, data string, args ...string) (code int, out, err string) {
	t.Helper()
	nobody, failed := os.Open(os.DevNull)
	if failed != nil {
		t.Fatal(failed)
	}
	defer func() { _ = nobody.Close() }()
	var stdout, stderr bytes.Buffer
	home := t.TempDir()
	terminal := IO{In: nobody, Out: &stdout, Err: &stderr, Getenv: func(name string) string {
		return map[string]string{"HOTCELL_DATA": data, "HOME": home}[name]
	}}
	code = Run(t.Context(), terminal, args)
	return code, stdout.String(), stderr.String()
}

func TestEveryCommandSaysInItsOwnWordsWhatItWasNotGiven(t *testing.T) {
	t.Parallel()
	for path, c := range tree(t) {
		words := strings.Fields(path)
		cases := [][]string{{"--no-such-flag"}}
		if len(operands(c.Use)) > 0 {
			cases = append(cases, nil)
		}
		if c.Args(c, slices.Repeat([]string{"x"}, 9)) != nil {
			cases = append(cases, slices.Repeat([]string{"x"}, 9))
		}
		for _, given := range cases {
			code, out, err := commandLine(t, "/nowhere", append(slices.Clone(words), given...)...)
			if code != ExitUsage || out != "" || !strings.Contains(err, "hint: ") {
				t.Errorf("%s %q: exit code %d, %q, %q", path, given, code, out, err)
			}
			for _, foreign := range []string{"arg(s)", "unknown", "strconv", "[flags]"} {
				if strings.Contains(err, foreign) {
					t.Errorf("%s %q: %q", path, given, err)
				}
			}
		}
	}
}

func TestNoCommandRepeatsWhatMayBeAValue(t *testing.T) {
	t.Parallel()
	const planted = "hunter2-canary-hunter2"
	for path, c := range tree(t) {
		words := append(strings.Fields(path), slices.Repeat([]string{"x"}, len(operands(c.Use)))...)
		for _, given := range [][]string{{"--password", planted}, {"--token=" + planted}, {"-z" + planted}, {"--" + planted}, {"--limit", planted}, {"--yes=" + planted}} {
			code, out, err := commandLine(t, "/nowhere", append(slices.Clone(words), given...)...)
			if code != ExitUsage || strings.Contains(out+err, "canary") {
				t.Errorf("%s %q: exit code %d, %q, %q", path, given, code, out, err)
			}
		}
	}
}

func TestEveryDeleteCanBeSaidYesTo(t *testing.T) {
	t.Parallel()
	found := 0
	for path, c := range tree(t) {
		if c.Name() != "delete" {
			continue
		}
		found++
		if f := c.Flags().Lookup("yes"); f == nil {
			t.Errorf("%s has no --yes", path)
		}
	}
	if found < 5 {
		t.Errorf("%d commands delete", found)
	}
}

func TestEveryListPrintsIdsAlone(t *testing.T) {
	t.Parallel()
	w := apitest.New(t)
	data := filepath.Dir(w.Serve(t))
	if code, _, err := commandLine(t, data, "assignments", "create", "report", "--command", "out hi"); code != ExitOK {
		t.Fatal(err)
	}
	found := 0
	for path, c := range tree(t) {
		if c.Name() != "list" && c.Name() != "catalog" {
			continue
		}
		found++
		code, out, err := commandLine(t, data, append(strings.Fields(path), "-q")...)
		if code != ExitOK || err != "" || strings.ContainsAny(out, " \t") || strings.ToUpper(out) == out && strings.Contains(out, "ID") {
			t.Errorf("%s -q: exit code %d, %q, %q", path, code, out, err)
		}
		for _, flag := range []string{"columns", "json", "filter"} {
			if c.Flags().Lookup(flag) == nil {
				t.Errorf("%s has no --%s", path, flag)
			}
		}
	}
	if found < 9 {
		t.Errorf("%d commands list", found)
	}
}
