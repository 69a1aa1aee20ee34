package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotcell/internal/text/shell"
)

// usageError is a command line that is not understood. It never repeats what was
// given where that may be a value.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

// Usage is a wrong use of a command that is no client, with an example of the right one.
func Usage(text, example string) error { return &usageError{text, example} }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...), ""} }

// neverArgument and neverKey say why a value is not taken where it was given.
const (
	neverArgument = "a value is never taken from an argument: others of this machine can read those, and your shell keeps them"
	neverKey      = "a key is never taken from an argument: others of this machine can read those, and your shell keeps them"
)

// usage is how a command is written, without its flags.
func usage(cmd *cobra.Command) string {
	use := cmd.Use
	if cmd.HasParent() {
		use = cmd.Parent().CommandPath() + " " + use
	}
	return use
}

// operands are what a command has to be given, by the names that its use has for them.
func operands(use string) (out []string) {
	words := strings.Fields(use)
	for _, word := range words[min(1, len(words)):] {
		if strings.ContainsAny(word[:1], "[(-") {
			break
		}
		out = append(out, strings.TrimSuffix(word, "…"))
	}
	return out
}

// miscounted says in a command's own words that it was given too little or too much.
func miscounted(cmd *cobra.Command, given []string) error {
	wanted := operands(cmd.Use)
	hint := "write: " + usage(cmd)
	switch {
	case len(given) < len(wanted):
		return &usageError{cmd.CommandPath() + " needs " + strings.Join(wanted[len(given):], " and "), hint}
	case len(wanted) == 0:
		return &usageError{cmd.CommandPath() + " is given nothing but flags", hint}
	}
	return &usageError{fmt.Sprintf("%s is given %d arguments, and takes %s", cmd.CommandPath(), len(given), strings.Join(wanted, " and ")), hint}
}

// valueFlags are flags that people try values with, here or elsewhere.
var valueFlags = map[string]string{
	"password": "password-file", "pass": "password-file", "passwd": "password-file", "pw": "password-file",
	"otp": "otp-file", "totp": "otp-file", "code": "otp-file", "otp-secret": "otp-file",
	"api-key": "api-key-file", "apikey": "api-key-file", "key": "api-key-file", "token": "api-key-file", "access-token": "api-key-file", "bearer": "api-key-file",
	"secret": "secret-file", "client-secret": "secret-file", "value": "value-file", "credential": "", "passphrase": "", "secret-key": "api-key-file",
}

// valueHint is the command that takes a value as it should be given: by the file that
// goes with the flag, or by the first that the command has.
func valueHint(cmd *cobra.Command, flag string) string {
	file := ""
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && strings.HasSuffix(f.Name, "-file") && (file == "" || f.Name == valueFlags[flag]) {
			file = f.Name
		}
	})
	if file == "" {
		return ""
	}
	example := map[string]string{"env-file": ".env", "api-key-file": "key.txt", "password-file": "password.txt", "otp-file": "otp.txt"}[file]
	if example == "" {
		example = "FILE"
	}
	return strings.Join(append([]string{cmd.CommandPath()}, operands(cmd.Use)...), " ") + " --" + file + " " + example
}

// flagError says what is wrong with a flag, without what was given for it.
func flagError(cmd *cobra.Command, err error) error {
	see := "see what there is: " + cmd.CommandPath() + " --help"
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if _, isValue := valueFlags[name]; isValue {
			if hint := valueHint(cmd, name); hint != "" {
				return &usageError{neverArgument, hint}
			}
		}
		if group := unknown.GetSpecifiedShortnames(); group != "" || len(name) == 1 {
			return &usageError{"there is no flag -" + name + " of " + cmd.CommandPath(), see}
		}
		if !plainFlag(name) {
			return &usageError{"there is no such flag of " + cmd.CommandPath(), see}
		}
		if near := nearest(cmd, name); near != "" {
			see = "did you mean --" + near + "?"
		}
		return &usageError{"there is no flag --" + name + " of " + cmd.CommandPath(), see}
	}
	if empty, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return &usageError{"--" + empty.GetFlag().Name + " needs " + takes(empty.GetFlag()), see}
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		f := invalid.GetFlag()
		if _, isValue := valueFlags[f.Name]; isValue && f.Value.Type() == "bool" {
			return &usageError{neverArgument, valueHint(cmd, f.Name)}
		}
		return &usageError{"--" + f.Name + " takes " + takes(f), see}
	}
	return &usageError{"a flag is not written as flags are", see}
}

// plainFlag says whether a text is a flag's name, and not something pasted.
func plainFlag(name string) bool {
	return len(name) <= 24 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// takes says in words what a flag takes.
func takes(f *pflag.Flag) string {
	kind, _ := pflag.UnquoteUsage(f)
	switch f.Value.Type() {
	case "bool":
		return "nothing, or =true or =false"
	case "int", "int64":
		return "a number"
	case "duration":
		return "a duration, such as 10m"
	case "stringToString":
		return "NAME=TEXT"
	}
	return strings.ToUpper(kind)
}

// nearest is the flag that was probably meant.
func nearest(cmd *cobra.Command, name string) (near string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if near == "" && !f.Hidden && (strings.HasPrefix(f.Name, name) || strings.HasPrefix(name, f.Name) || distance(f.Name, name) <= 2) {
			near = f.Name
		}
	})
	return near
}

// distance is how many letters two words differ by.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}

// noCommand says that there is no such command, and which was probably meant.
func noCommand(cmd *cobra.Command, given string) error {
	hint := "see what there is: " + cmd.CommandPath() + " --help"
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(given); len(near) > 0 {
		hint = "did you mean: " + cmd.CommandPath() + " " + near[0]
	}
	if !plainFlag(given) {
		return &usageError{"there is no such command of " + cmd.CommandPath(), hint}
	}
	return &usageError{"there is no command " + shell.Quote(given) + " of " + cmd.CommandPath(), hint}
}

// shareFlag is one flag in all commands. It was called --shared in some.
func shareFlag(c *cobra.Command, shared *bool) {
	c.Flags().BoolVar(shared, "share", false, "share it with the workspace: all may use it, nobody can view it")
	c.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "shared" {
			name = "share"
		}
		return pflag.NormalizedName(name)
	})
}
