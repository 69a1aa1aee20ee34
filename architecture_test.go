package hotcell_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is a package as `go list -json` tells of it.
type room struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// rule is one sentence of the security argument.
type rule struct {
	says string
	// of are the packages that it guards.
	of []string
	// only may import them; all others may not.
	only []string
	// never may reach them, not even through others.
	never []string
}

const internal = "hotcell/internal/"

func within(names ...string) []string {
	for i := range names {
		names[i] = internal + names[i]
	}
	return names
}

// own are the packages that the vault's process alone can import: Go holds that,
// and the rules hold who among them may import whom.
func own(names ...string) []string {
	for i := range names {
		names[i] = "vault/internal/" + names[i]
	}
	return within(names...)
}

// rules are DESIGN section 8, "The security argument, as imports".
func rules() []rule {
	tiers := own("connection", "login", "secret", "assignment", "lease", "forward", "call", "people")
	shared := own("live", "token", "book")
	stores := within("store/sqlite", "store/postgres")
	daemon := within("vault")
	vault := slices.Concat(daemon, own("door", "kms", "envelope"), tiers, shared, stores)
	faces := within("control/api", "control/ui", "control/job", "control/server", "worker", "worker/gateway", "cell", "line/vaultclient")
	return []rule{
		{says: "1: one door to plaintext", of: own("envelope"), only: own("door")},
		{says: "1: the vault's process alone opens the key", of: own("kms"), only: daemon},
		{says: "2: the door is the tiers'", of: own("door"), only: slices.Concat(daemon, tiers, shared)},
		{says: "2: the tiers are the vault's", of: tiers, only: daemon},
		{says: "2: what they share is theirs", of: shared, only: slices.Concat(daemon, tiers, shared)},
		{
			says: "3: what an agent talks to reaches no value", of: vault,
			never: within("worker/gateway", "cell", "cell/browser", "worker", "control/job", "control/api", "control/ui"),
		},
		{says: "4: databases are wired, not known", of: stores, only: []string{"hotcell/cmd/hotcell", "hotcell/hotcelltest"}},
		{says: "5: the commands are a client like any other", of: append(vault, faces...), never: append(within("cli"), "hotcell/client")},
	}
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := list(t)
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	layers, doubled := table(string(text))
	for _, fault := range append(doubled, faults(rooms, layers, rules())...) {
		t.Error(fault)
	}
}

// TestArchitectureTestFails shows each fault to the check that looks for it.
func TestArchitectureTestFails(t *testing.T) {
	t.Parallel()
	layers, doubled := table("| 1 | `.` | words |\n| 2 | `internal/a` | x |\n| 2 | `internal/b` | x |\n| 3 | `internal/gone` | x |\n| 3 | `internal/gone` | again |\n")
	if len(doubled) != 1 {
		t.Errorf("%d double rows found, want 1", len(doubled))
	}
	for name, c := range map[string]struct {
		rooms []room
		says  string
	}{
		"no row":     {[]room{{ImportPath: internal + "new"}}, "has no row"},
		"no package": {nil, "internal/gone has a row"},
		"sideways":   {[]room{{ImportPath: internal + "a", Imports: []string{internal + "b"}}}, "not lower"},
		"up":         {[]room{{ImportPath: "hotcell", Imports: []string{internal + "a"}}}, "not lower"},
		"only":       {[]room{{ImportPath: internal + "vault/internal/door", Imports: []string{internal + "vault/internal/kms"}}}, "alone opens the key"},
		"never":      {[]room{{ImportPath: internal + "worker/gateway", Deps: []string{internal + "vault/internal/envelope"}}}, "reaches no value"},
		"database":   {[]room{{ImportPath: internal + "control/job", Imports: []string{internal + "store/sqlite"}}}, "wired"},
		"command":    {[]room{{ImportPath: internal + "cli", Deps: []string{internal + "control/api"}}}, "client like any other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := faults(c.rooms, layers, rules())
			if !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, c.says) }) {
				t.Errorf("faults %q, want one that says %q", found, c.says)
			}
		})
	}
}

func list(t *testing.T) ([]room, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	if err != nil {
		return nil, err
	}
	var rooms []room
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var r room
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) {
			return rooms, nil
		} else if err != nil {
			return nil, err
		}
		rooms = append(rooms, r)
	}
}

var row = regexp.MustCompile("(?m)^\\| (\\d+) \\| `([a-z./-]+)` \\| .+ \\|$")

// table reads the layer of each package out of ARCHITECTURE.md.
func table(text string) (layers map[string]int, doubled []string) {
	layers = map[string]int{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		path := strings.TrimSuffix("hotcell/"+m[2], "/.")
		if _, twice := layers[path]; twice {
			doubled = append(doubled, path+" has two rows")
		}
		layers[path], _ = strconv.Atoi(m[1]) // the pattern lets digits pass only
	}
	return layers, doubled
}

func faults(rooms []room, layers map[string]int, rules []rule) (found []string) {
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	there := map[string]bool{}
	for _, r := range rooms {
		there[r.ImportPath] = true
		own, known := layers[r.ImportPath]
		if !known {
			say("%s has no row in ARCHITECTURE.md", r.ImportPath)
		}
		for _, other := range r.Imports {
			if layer, ours := layers[other]; ours && known && layer >= own {
				say("%s (layer %d) imports %s (layer %d), which is not lower", r.ImportPath, own, other, layer)
			}
		}
		for _, rule := range rules {
			found = append(found, rule.faults(r)...)
		}
	}
	for path := range layers {
		if !there[path] {
			say("%s has a row in ARCHITECTURE.md, and no package", path)
		}
	}
	slices.Sort(found)
	return found
}

func (u rule) faults(r room) (found []string) {
	for _, guarded := range u.of {
		if u.only != nil && slices.Contains(r.Imports, guarded) && !slices.Contains(u.only, r.ImportPath) {
			found = append(found, fmt.Sprintf("rule %s: %s imports %s", u.says, r.ImportPath, guarded))
		}
		if guarded != r.ImportPath && slices.Contains(r.Deps, guarded) && slices.Contains(u.never, r.ImportPath) {
			found = append(found, fmt.Sprintf("rule %s: %s reaches %s", u.says, r.ImportPath, guarded))
		}
	}
	return found
}
