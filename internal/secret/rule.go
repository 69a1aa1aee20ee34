package secret

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"hotcell"
	"hotcell/internal/guard"
	"hotcell/internal/sensitive"
	"hotcell/internal/vault"
	"hotcell/internal/vaultrpc"
)

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	serviceSlug  = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$`)
)

func checkDraft(r *vaultrpc.CreateSecretRequest) error {
	if err := CheckName(r.Name); err != nil {
		return err
	}
	if err := checkService(r.Service); err != nil {
		return err
	}
	if len(r.Variables) == 0 {
		return hotcell.Invalid("/variables", "a secret has at least one variable")
	}
	return checkNames("/variables", sealedNames(r.Variables))
}

func checkChange(r *vaultrpc.ChangeSecretRequest) error {
	if r.Name != nil {
		if err := CheckName(*r.Name); err != nil {
			return err
		}
	}
	if r.Service != nil {
		if err := checkService(*r.Service); err != nil {
			return err
		}
	}
	if r.Replace && (len(r.Unset) > 0 || len(r.Rename) > 0) {
		return hotcell.Invalid("/replace", "to replace all leaves nothing to rename or unset")
	}
	if r.Replace && len(r.Set) == 0 {
		return hotcell.Invalid("/set", "a secret has at least one variable")
	}
	var renamed []string
	for _, to := range r.Rename {
		renamed = append(renamed, to)
	}
	slices.Sort(renamed)
	return errors.Join(checkNames("/set", sealedNames(r.Set)), checkNames("/rename", renamed))
}

func sealedNames(variables []vaultrpc.SealedVariable) []string {
	names := make([]string, len(variables))
	for i, v := range variables {
		names[i] = v.Name
	}
	return names
}

// CheckName says whether a name is 1 to 128 characters of text in one line.
func CheckName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n < 1 || n > hotcell.MaxName:
		return hotcell.Invalid("/name", "a name has 1 to %d characters", hotcell.MaxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 }):
		return hotcell.Invalid("/name", "a name is text in one line, without control characters")
	case strings.TrimSpace(name) != name:
		return hotcell.Invalid("/name", "a name does not begin or end with white space")
	}
	return nil
}

func checkService(slug string) error {
	if slug != "" && !serviceSlug.MatchString(slug) {
		return hotcell.Invalid("/service", "a service is a slug of lower-case letters, digits, dots and hyphens, such as stripe or api.acme.test")
	}
	return nil
}

func checkNames(pointer string, names []string) error {
	if len(names) > hotcell.MaxVariables {
		return hotcell.Invalid(pointer, "a secret has at most %d variables", hotcell.MaxVariables)
	}
	seen := map[string]bool{}
	for i, name := range names {
		at := fmt.Sprintf("%s/%d/name", pointer, i)
		if !variableName.MatchString(name) {
			return hotcell.Invalid(at, "a variable's name is 1 to 128 letters, digits and underscores, and does not begin with a digit")
		}
		if rule, reserved := hotcell.ReservedVariable(name); reserved {
			return hotcell.Invalid(at, "the name %s is reserved: %s", name, rule)
		}
		if seen[name] {
			return hotcell.Invalid(at, "the variable %s is given twice", name)
		}
		seen[name] = true
	}
	return nil
}

func checkValue(value sensitive.Bytes, pointer string) error {
	return value.Use(func(b []byte) error {
		switch {
		case len(b) == 0:
			return hotcell.Invalid(pointer, "a value has at least one byte; leave the variable out instead")
		case len(b) > hotcell.MaxValue:
			return hotcell.Invalid(pointer, "a value has at most %d bytes", hotcell.MaxValue)
		case bytes.IndexByte(b, 0) >= 0:
			return hotcell.Invalid(pointer, "a value has no NUL byte: an environment variable cannot hold one")
		}
		return nil
	})
}

// describe is what may be said of the fields, and their size in bytes.
func describe(fields []vault.Field) ([]hotcell.Variable, int, error) {
	if len(fields) == 0 {
		return nil, 0, hotcell.Invalid("/variables", "a secret has at least one variable; delete the secret instead")
	}
	if len(fields) > hotcell.MaxVariables {
		return nil, 0, hotcell.Invalid("/variables", "a secret has at most %d variables", hotcell.MaxVariables)
	}
	size := 0
	out := make([]hotcell.Variable, 0, len(fields))
	for _, f := range fields {
		size += len(f.Name) + f.Value.Len()
		v := hotcell.Variable{Name: f.Name}
		_ = f.Value.Use(func(b []byte) error {
			if err := guard.Guardable(b); err != nil {
				v.Unguarded = err.Error()
			}
			return nil
		})
		out = append(out, v)
	}
	if size > hotcell.MaxBundle {
		return nil, 0, hotcell.Invalid("/variables", "a secret holds at most %d KiB of names and values", hotcell.MaxBundle>>10)
	}
	return out, size, nil
}

// edit applies a change to the variables as they were.
func edit(old []vault.Field, r *vaultrpc.ChangeSecretRequest, set []vault.Field) ([]vault.Field, error) {
	if r.Replace {
		return set, nil
	}
	for _, name := range r.Unset {
		if !has(old, name) {
			return nil, hotcell.Invalid("/unset", "there is no variable of one of these names")
		}
	}
	for from := range r.Rename {
		if !has(old, from) || slices.Contains(r.Unset, from) {
			return nil, hotcell.Invalid("/rename", "there is no variable of one of these names")
		}
	}
	var out []vault.Field
	for _, f := range old {
		if slices.Contains(r.Unset, f.Name) {
			continue
		}
		if to, renamed := r.Rename[f.Name]; renamed {
			f.Name = to
		}
		if has(set, f.Name) {
			continue
		}
		if has(out, f.Name) {
			return nil, hotcell.Invalid("/rename", "there is a variable of the new name already")
		}
		out = append(out, f)
	}
	return append(out, set...), nil
}

func has(fields []vault.Field, name string) bool {
	return slices.ContainsFunc(fields, func(f vault.Field) bool { return f.Name == name })
}

// CheckAttach refuses c on an assignment that has one of its variables already,
// from another secret or of its own, or where all would be too large together.
func CheckAttach(r hotcell.VaultReader, assignment hotcell.AssignmentID, c hotcell.Credential) error {
	a, err := r.Assignment(c.Workspace, assignment)
	if err != nil {
		return err
	}
	for _, v := range c.Variables {
		if _, twice := a.Work.Environment[v.Name]; twice {
			return fmt.Errorf("%w: the assignment %q sets the variable %s itself", hotcell.ErrConflict, a.Name, v.Name)
		}
	}
	attached, err := r.Attachments(c.Workspace, assignment, "")
	if err != nil {
		return err
	}
	size := c.Size
	for _, at := range attached {
		if at.Credential == c.ID {
			continue
		}
		other, err := r.Credential(c.Workspace, at.Credential)
		if err != nil {
			return err
		}
		size += other.Size
		for _, v := range other.Variables {
			if slices.ContainsFunc(c.Variables, func(own hotcell.Variable) bool { return own.Name == v.Name }) {
				return fmt.Errorf("%w: %s is attached to the assignment %q and has the variable %s too: rename one", hotcell.ErrConflict, called(other, c), a.Name, v.Name)
			}
		}
	}
	if size > hotcell.MaxAssignmentSize {
		return fmt.Errorf("%w: the secrets of the assignment %q would hold more than 1 MiB together", hotcell.ErrConflict, a.Name)
	}
	return nil
}

// called is how to speak of other to whoever may change c: of a personal secret
// its owner alone may know the name.
func called(other, c hotcell.Credential) string {
	if other.Shared || !c.Shared && c.Owner == other.Owner {
		return fmt.Sprintf("the secret %q", other.Name)
	}
	return "a personal secret of a member"
}
