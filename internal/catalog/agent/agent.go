// Package agent knows the programs that follow an assignment's instructions: how each is
// told of the job's tools, what it is allowed in a sandbox that is one already, which
// variables it wants and how much memory. What it knows of one is a document, as a
// connector's is, and an operator may have documents of their own.
//
// It is pure: what it says of an agent is a command for a cell's shell, and nothing of
// a credential is in it. One way to use it:
//
//	of, err := catalog.Find("claude")
//	command := of.Shell()
package agent

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"hotcell"
	"hotcell/internal/text/shell"
)

//go:embed documents/*.yaml
var embedded embed.FS

// Agent is what a document says of a program.
type Agent struct {
	// Name is what an assignment calls it, Title what people call it.
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	// Program is the one that must be in the cell; Toolchain brings it there, see
	// package toolchain. Empty for one that every machine has.
	Program   string `yaml:"program"`
	Toolchain string `yaml:"toolchain"`
	// Connectors are those of the model providers that it can use.
	Connectors []string `yaml:"connectors"`
	// Memory is what it needs, in MiB, where the assignment says nothing. Programs of
	// Node and Bun reserve far more than they use, and where there are no control groups
	// that counts.
	Memory int64 `yaml:"memory_mib"`
	// Key is the variable without which it does not start, though its key is put on
	// outside of the cell.
	Key Key `yaml:"key"`
	// Environment are its variables; an assignment's own of the same names stand.
	Environment map[string]string `yaml:"environment"`
	// Files are written into its home. ${NAME} in them is a variable of the cell.
	Files map[string]string `yaml:"files"`
	// Command starts it, with the instructions as its standard input; the job's
	// arguments follow.
	Command string `yaml:"command"`
}

// Key is where a program looks for the key of its model.
type Key struct {
	Variable string `yaml:"variable"`
	// Unless names variables one of which does instead.
	Unless []string `yaml:"unless"`
}

// Placeholder stands in the variable of a key that is put on outside of the cell: the
// programs want one, and it signs nobody in.
const Placeholder = "put-on-by-hotcell"

// Document is a document and the name of its file.
type Document struct {
	Name string
	Text []byte
}

// Catalog is all agents. It may be used at once from anywhere.
type Catalog struct{ by map[string]*Agent }

// Load makes a catalogue of the agents that come with Hotcell, and of an operator's own,
// which may stand in the place of those. An error names the file.
func Load(own ...Document) (*Catalog, error) {
	shipped, err := shipped()
	if err != nil {
		return nil, fmt.Errorf("reading the agents: %w", err)
	}
	c, theirs := &Catalog{by: map[string]*Agent{}}, map[string]bool{}
	for i, d := range slices.Concat(shipped, own) {
		made, err := Parse(d.Text)
		if err != nil {
			return nil, fmt.Errorf("the agent %s: %w", d.Name, err)
		}
		if i >= len(shipped) {
			if theirs[made.Name] {
				return nil, fmt.Errorf("%w: two agents have the name %s, one of them in %s", hotcell.ErrInvalid, made.Name, d.Name)
			}
			theirs[made.Name] = true
		}
		c.by[made.Name] = made
	}
	return c, nil
}

func shipped() (out []Document, err error) {
	files, err := embedded.ReadDir("documents")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := embedded.ReadFile("documents/" + f.Name())
		if err != nil {
			return nil, err
		}
		out = append(out, Document{f.Name(), text})
	}
	return out, nil
}

// Find is the agent of a name; else the error says which there are.
func (c *Catalog) Find(name string) (*Agent, error) {
	if c != nil {
		if of, found := c.by[name]; found {
			return of, nil
		}
	}
	return nil, hotcell.Invalid("/work/agent", "the server knows no agent %q; it knows %s", name, strings.Join(c.Names(), ", "))
}

// Names are all names, in their order.
func (c *Catalog) Names() []string {
	if c == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(c.by))
}

var (
	name     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Parse reads a document.
func Parse(text []byte) (*Agent, error) {
	var a Agent
	if err := yaml.UnmarshalWithOptions(text, &a, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%w: %s", hotcell.ErrInvalid, yaml.FormatError(err, false, false))
	}
	return &a, a.check()
}

func (a *Agent) check() error {
	switch {
	case !name.MatchString(a.Name):
		return hotcell.Invalid("/name", "an agent's name has small letters, digits and hyphens, 40 at the most")
	case strings.TrimSpace(a.Command) == "" || strings.ContainsRune(a.Command, 0):
		return hotcell.Invalid("/command", "an agent has a command")
	}
	for _, v := range slices.Concat(slices.Collect(maps.Keys(a.Environment)), a.Key.Unless, []string{a.Key.Variable}) {
		if v != "" && !variable.MatchString(v) {
			return hotcell.Invalid("/environment", "%q is no name of a variable", v)
		}
		if why, reserved := hotcell.ReservedVariable(v); reserved {
			return hotcell.Invalid("/environment", "%s is the cell's own: %s", v, why)
		}
	}
	for file := range a.Files {
		if file == "" || path.IsAbs(file) || path.Clean(file) != file || strings.HasPrefix(file, "..") {
			return hotcell.Invalid("/files", "%q is no path within the agent's home", file)
		}
	}
	return nil
}

// Shell is the command for the cell's /bin/sh: it writes the files, says what is
// missing, and becomes the program.
func (a *Agent) Shell() string {
	var out strings.Builder
	for _, file := range slices.Sorted(maps.Keys(a.Files)) {
		if dir := path.Dir(file); dir != "." {
			fmt.Fprintf(&out, "mkdir -p \"$HOME\"/%s\n", shell.Quote(dir))
		}
		fmt.Fprintf(&out, "printf %%s %s >\"$HOME\"/%s\n", expanding(a.Files[file]), shell.Quote(file))
	}
	if k := a.Key; k.Variable != "" {
		fmt.Fprintf(&out, "[ -n \"${%s}\" ] || export %s=%s\n", strings.Join(append([]string{k.Variable}, k.Unless...), "-}${")+"-", k.Variable, Placeholder)
	}
	if a.Program != "" {
		fmt.Fprintf(&out, "command -v %s >/dev/null || { echo %s >&2; exit 127; }\n", shell.Quote(a.Program), shell.Quote("hotcell: "+a.Missing()))
	}
	out.WriteString("exec " + strings.TrimSpace(a.Command) + ` "$@"`)
	return out.String()
}

// Missing says what to do where the program is not in the cell.
func (a *Agent) Missing() string {
	return fmt.Sprintf("there is no %s in the cell", a.Program) + Remedy(a.Toolchain)
}

// Remedy says how a program comes into cells, where a toolchain has it.
func Remedy(toolchain string) string {
	if toolchain == "" {
		return ""
	}
	return "; on the server's machine: hotcell toolchains add " + shell.Quote(toolchain)
}

// holes are where a file names a variable.
var holes = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

// expanding quotes a text for the shell, but for the variables in it.
func expanding(text string) string {
	var out strings.Builder
	from := 0
	for _, at := range holes.FindAllStringIndex(text, -1) {
		if at[0] > from {
			out.WriteString(single(text[from:at[0]]))
		}
		out.WriteString(`"` + text[at[0]:at[1]] + `"`)
		from = at[1]
	}
	return out.String() + single(text[from:])
}

// single quotes a text of several lines for every shell (POSIX, Shell Command Language
// 2.2.2).
func single(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
