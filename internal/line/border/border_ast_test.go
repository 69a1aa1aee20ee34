package border_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// free are the rooms in which a panic ends nobody else's stream: commands of one
// person, and what runs in tests alone.
var free = []string{"internal/line/border", "internal/cli", "internal/store/storetest", "internal/control/api/apitest", "test/prove"}

// TestEveryGoroutineHasABorder holds all code of the server's processes and the
// cells' against this package: a panic in a goroutine that nobody watches ends
// the process.
func TestEveryGoroutineHasABorder(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	seen := 0
	for _, top := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name, _ := filepath.Rel(root, path)
			if entry.IsDir() && slices.Contains(free, filepath.ToSlash(name)) {
				return fs.SkipDir
			}
			if entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			seen++
			for _, fault := range bare(t, name, string(text)) {
				t.Error(fault)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 200 {
		t.Errorf("%d files were read: the tree is elsewhere", seen)
	}
}

// TestABareGoroutineIsSeen shows the check each way to start one.
func TestABareGoroutineIsSeen(t *testing.T) {
	t.Parallel()
	const head = "package x\nimport (\"time\"; \"context\"; \"sync\"; \"hotcell/internal/line/border\")\n"
	for code, bad := range map[string]bool{
		`func f() { go g() }`:                                                 true,
		`func f() { time.AfterFunc(1, g) }`:                                   true,
		`func f() { context.AfterFunc(c, func() {}) }`:                        true,
		`func f() { w.Go(g) }`:                                                true,
		`func f() { a.wait.Go(func() {}) }`:                                   true,
		`func f() { border.Go("x", c, g) }`:                                   false,
		`func f() { w.Go(border.Func("x", c, g)) }`:                           false,
		`func f() { group.Go(border.Err("x", func() error { return nil })) }`: false,
		`func f() { border.After(1, "x", c, g) }`:                             false,
	} {
		if found := bare(t, "x.go", head+code); (len(found) > 0) != bad {
			t.Errorf("%s: %q", code, found)
		}
	}
}

// bare finds what starts a goroutine without a border.
func bare(t *testing.T, name, text string) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, set.Position(n.Pos()).String()+": a go statement: use border.Go or border.Send")
		case *ast.CallExpr:
			of, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || ofBorder(n) {
				return true
			}
			switch {
			case of.Sel.Name == "AfterFunc":
				found = append(found, set.Position(n.Pos()).String()+": an AfterFunc: use border.After or border.WithEnd")
			case of.Sel.Name == "Go" && len(n.Args) == 1 && !ofBorder(n.Args[0]):
				found = append(found, set.Position(n.Pos()).String()+": a group's Go: give it border.Func or border.Err")
			}
		}
		return true
	})
	return found
}

// ofBorder says whether an expression is a call of this package's.
func ofBorder(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	of, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	room, ok := of.X.(*ast.Ident)
	return ok && room.Name == "border"
}
