package connector

import (
	"errors"

	"hotcell"
)

// faults are all faults that an error is of, in their order.
func faults(err error) []*hotcell.FieldError {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*hotcell.FieldError
		for _, one := range all.Unwrap() {
			out = append(out, faults(one)...)
		}
		return out
	}
	if field, ok := asField(err); ok {
		return []*hotcell.FieldError{field}
	}
	return nil
}

// at puts a place in front of an error's own, of each where it is several.
func at(path string, err error) error {
	all := faults(err)
	if len(all) == 0 {
		return err
	}
	out := make([]error, len(all))
	for i, one := range all {
		out[i] = &hotcell.FieldError{Pointer: path + one.Pointer, Reason: one.Reason}
	}
	if len(out) == 1 {
		return out[0]
	}
	return errors.Join(out...)
}

// asField is the fault that an error is, or the first of them.
func asField(err error) (*hotcell.FieldError, bool) { return errors.AsType[*hotcell.FieldError](err) }

// first is the first fault of an error.
func first(err error) error {
	if all := faults(err); len(all) > 0 {
		return all[0]
	}
	return err
}
