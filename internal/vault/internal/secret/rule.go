package secret

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

func checkDraft(r *vaultrpc.CreateSecretRequest) error {
	if err := hotcell.CheckName(r.Name); err != nil {
		return err
	}
	if err := hotcell.CheckService(r.Service); err != nil {
		return err
	}
	if len(r.Variables) == 0 {
		return hotcell.Invalid("/variables", "a secret has at least one variable")
	}
	return checkNames("/variables", sealedNames(r.Variables))
}

func checkChange(r *vaultrpc.ChangeSecretRequest) error {
	if r.Name != nil {
		if err := hotcell.CheckName(*r.Name); err != nil {
			return err
		}
	}
	if r.Service != nil {
		if err := hotcell.CheckService(*r.Service); err != nil {
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
func (s *Service) describe(fields []door.Field) ([]hotcell.Variable, int, error) {
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
			v.Provider, v.Signs = s.catalog.ModelKey(f.Name, b), signs(f.Name, b)
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
func edit(old []door.Field, r *vaultrpc.ChangeSecretRequest, set []door.Field) ([]door.Field, error) {
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
	var out []door.Field
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

func has(fields []door.Field, name string) bool {
	return slices.ContainsFunc(fields, func(f door.Field) bool { return f.Name == name })
}
