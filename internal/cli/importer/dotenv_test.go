package importer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/cli/importer"
	"hotcell/internal/value/sensitive"
)

// read gives the parsed values in clear, as only a test may.
func read(t testing.TB, src string, opt importer.Whitespace) (map[string]string, []importer.Notice, error) {
	t.Helper()
	variables, notices, err := importer.ParseDotenv([]byte(src), opt)
	out := map[string]string{}
	for _, v := range variables {
		out[v.Name] = plain(t, v.Value)
	}
	return out, notices, err
}

func plain(t testing.TB, value sensitive.Bytes) (text string) {
	t.Helper()
	if err := value.Use(func(b []byte) error { text = string(b); return nil }); err != nil {
		t.Fatal(err)
	}
	return text
}

// exception is what is read instead of what both programs agree on.
type exception struct {
	Variables map[string]string
	Line      int
	Why       string
}

func exceptions(t *testing.T) map[string]exception {
	t.Helper()
	out := map[string]exception{}
	load(t, "exceptions.json", &out)
	return out
}

func load(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/dotenv", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func files(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/dotenv/*.env")
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d files: %v", len(paths), err)
	}
	return paths
}

// hold compares what the parser reads in a file with what is wanted.
func hold(t *testing.T, path string, agreed map[string]string, e exception, excepted bool) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := read(t, string(text), importer.Verbatim)
	want := agreed
	if excepted {
		want = e.Variables
	}
	if want == nil {
		var syntax *importer.SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != e.Line {
			t.Errorf("error %v, want line %d refused: %s", err, e.Line, e.Why)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseDotenvAgreesWithNpmAndNode(t *testing.T) {
	t.Parallel()
	excepted := exceptions(t)
	table, err := os.ReadFile("testdata/dotenv/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			var golden struct{ Npm, Node map[string]string }
			load(t, strings.TrimSuffix(filepath.Base(path), ".env")+".json", &golden)
			e, other := excepted[filepath.Base(path)]
			agree := cmp.Equal(golden.Npm, golden.Node)
			if !agree && !other {
				t.Fatalf("npm and Node disagree, and no choice is written down: %s", cmp.Diff(golden.Npm, golden.Node))
			}
			if other && agree && cmp.Equal(e.Variables, golden.Node) {
				t.Error("this is no exception: both read it so")
			}
			if other && !strings.Contains(string(table), "| "+filepath.Base(path)+" |") {
				t.Error("the table in README.md has no row for it")
			}
			hold(t, path, golden.Node, e, other)
		})
	}
}

const nodeScript = `const fs = require('fs'), util = require('util')
if (!util.parseEnv) process.exit(3)
console.log(JSON.stringify(process.argv.slice(1).map(f => util.parseEnv(fs.readFileSync(f, 'utf8')))))`

func TestParseDotenvAgreesWithTheNodeOfThisMachine(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("skipped: there is no node in PATH to compare with")
	}
	paths := files(t)
	out, err := exec.CommandContext(t.Context(), node, append([]string{"-e", nodeScript, "--"}, paths...)...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 {
		t.Skip("skipped: this node is too old to have util.parseEnv")
	}
	if err != nil {
		t.Fatalf("running node: %v", err)
	}
	var live []map[string]string
	if err := json.Unmarshal(out, &live); err != nil || len(live) != len(paths) {
		t.Fatalf("%d answers of node for %d files: %v", len(live), len(paths), err)
	}
	excepted := exceptions(t)
	for i, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			e, other := excepted[filepath.Base(path)]
			hold(t, path, live[i], e, other)
		})
	}
}

func TestParseDotenvRefuses(t *testing.T) {
	t.Parallel()
	many := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, line+"\n", i)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		src  string
		opt  importer.Whitespace
		line int // 0: the file as a whole
		says string
	}{
		"no variables":           {"# only this\n", importer.Refuse, 0, "no variables"},
		"nothing":                {"", importer.Refuse, 0, "no variables"},
		"NUL in a value":         {"A=b\nB=x\x00y\n", importer.Refuse, 2, "NUL"},
		"NUL in quotes":          {"A='x\n\x00'\n", importer.Refuse, 1, "NUL"},
		"NUL in a name":          {"A\x00=b\n", importer.Refuse, 1, "name"},
		"name of 129":            {strings.Repeat("N", 129) + "=x\n", importer.Refuse, 1, "128"},
		"value of 65,537":        {"A=" + strings.Repeat("v", 65_537), importer.Refuse, 1, "65536"},
		"201 variables":          {many(201, "V%d=x"), importer.Refuse, 201, "200"},
		"bundle over 256 KiB":    {many(5, "V%d="+strings.Repeat("v", 60_000)), importer.Refuse, 5, "256 KiB"},
		"file over 1 MiB":        {"A=b\n#" + strings.Repeat("c", 1<<20), importer.Refuse, 0, "1024 KiB"},
		"white space before":     {"A=' x'", importer.Refuse, 1, "--verbatim"},
		"white space after":      {"A=b\nB=\"x\\n\"", importer.Refuse, 2, "--trim-space"},
		"no-break space":         {"A=x\u00a0", importer.Refuse, 1, "white space"},
		"byte order mark inside": {"A='\ufeffx'", importer.Refuse, 1, "white space"},
		"only white space":       {"A='  '", importer.Trim, 1, "no value"},
		"PEM without quotes":     {"KEY=-----BEGIN KEY-----\nMIIB\n", importer.Refuse, 2, "quotes"},
		"a line that says =":     {"=x\n", importer.Refuse, 1, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, notices, err := read(t, c.src, c.opt)
			if !errors.Is(err, hotcell.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want ErrInvalid with %q", err, c.says)
			}
			var syntax *importer.SyntaxError
			if errors.As(err, &syntax) != (c.line > 0) || c.line > 0 && syntax.Line != c.line {
				t.Errorf("error %q, want line %d", err, c.line)
			}
			if len(got) > 0 || notices != nil {
				t.Errorf("an error came with %d variables and %d notices", len(got), len(notices))
			}
		})
	}
}

func TestParseDotenvAcceptsTheLimits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("N", 128)
	var b strings.Builder
	for i := range 196 {
		fmt.Fprintf(&b, "V%d=x\n", i)
	}
	for i := range 3 {
		fmt.Fprintf(&b, "W%d=%s\n", i, strings.Repeat("v", 65_536))
	}
	fmt.Fprintf(&b, "%s=%s\n", long, "any bytes: \xff\xfe\x01\x7f end")
	got, _, err := read(t, b.String(), importer.Refuse)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 200 || len(got["W2"]) != 65_536 || got[long] != "any bytes: \xff\xfe\x01\x7f end" {
		t.Errorf("%d variables, or one was changed", len(got))
	}
}

func TestParseDotenvTreatsWhiteSpaceAsAsked(t *testing.T) {
	t.Parallel()
	const src = "A=' \tx y\n'\nB=  plain  \nC=\u00a0z\n"
	for opt, want := range map[importer.Whitespace]map[string]string{
		importer.Verbatim: {"A": " \tx y\n", "B": "plain", "C": "\u00a0z"},
		importer.Trim:     {"A": "x y", "B": "plain", "C": "z"},
	} {
		got, _, err := read(t, src, opt)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestNoticesNameLineAndVariable(t *testing.T) {
	t.Parallel()
	src := "\nA=pa$s\nB=x#y\nC='$'\nD=\"$x\"\nE=\"a\\rb\"\nF=\"\\\"\\\"q\"\nG=\"\\t\"\nH='it\nB=z # no #hash\n"
	got, notices, err := read(t, src, importer.Refuse)
	if err != nil {
		t.Fatal(err)
	}
	if got["B"] != "z" {
		t.Errorf("the last B did not win")
	}
	var said []string
	for _, n := range notices {
		said = append(said, fmt.Sprintf("%d %s %s", n.Line, n.Name, n.Text))
	}
	want := []string{
		"2 A it contains $: kept literally, nothing is expanded",
		"3 B it contains # with no space before it: kept, where some programs begin a comment",
		"5 D it contains $: kept literally, nothing is expanded",
		`6 E \r was read as a carriage return, as npm's dotenv does`,
		`7 F \" was read as ", where npm's dotenv keeps the backslash`,
		`8 G a backslash was kept: within double quotes only \n, \r and \" mean something`,
		"9 H it begins with a quote that has no end: the quote was kept as part of the value",
		"10 B it is given twice: this value wins over that of line 3",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVariablesKnowTheirLine(t *testing.T) {
	t.Parallel()
	variables, _, err := importer.ParseDotenv([]byte("# c\r\nA='1\r\n2\r\n3'\r\n\r\nB=x\r\n"), importer.Refuse)
	if err != nil {
		t.Fatal(err)
	}
	defer importer.Clear(variables)
	if len(variables) != 2 || variables[0].Line != 2 || variables[1].Line != 6 {
		t.Errorf("lines %d of %v, want 2 and 6", len(variables), variables)
	}
}
