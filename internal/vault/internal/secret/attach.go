package secret

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/text/site"
	"hotcell/internal/vault/internal/door"
)

// checkNarrowing holds an attachment against what a secret can be narrowed to.
func checkNarrowing(at hotcell.Attachment, c hotcell.Credential) error {
	switch at.As {
	case hotcell.InjectEnvironment:
		if len(at.Methods)+len(at.Paths)+len(at.Places)+len(at.Brings) > 0 {
			return hotcell.Invalid("/as", "methods, paths and places are of stand-ins: attach the secret as %q", hotcell.InjectStandIn)
		}
	case hotcell.InjectStandIn:
		if len(at.Hosts)+len(c.Hosts) == 0 {
			return hotcell.Invalid("/hosts", "a stand-in is swapped for its value on the way to a bound host only: say to which, with --hosts, here or on the secret")
		}
	case hotcell.InjectHTTP, hotcell.InjectTools, hotcell.InjectLogin:
		return hotcell.Invalid("/as", "a secret is attached as %q or %q; what is attached as %q is another credential", hotcell.InjectEnvironment, hotcell.InjectStandIn, at.As)
	}
	return errors.Join(checkFiles(at, c), within(at.Hosts, c))
}

// checkFiles refuses files of variables that the secret does not have.
func checkFiles(at hotcell.Attachment, c hotcell.Credential) error {
	for i, f := range at.Files {
		if !slices.ContainsFunc(c.Variables, func(v hotcell.Variable) bool { return v.Name == f.Variable }) {
			return hotcell.Invalid(fmt.Sprintf("/files/%d/variable", i), "the secret %q has no variable of this name", c.Name)
		}
	}
	return nil
}

// checkFilesOf refuses a file in the place of one that another secret brings, or in it.
func checkFilesOf(on, other hotcell.Attachment, name string) error {
	for i, f := range on.Files {
		for _, theirs := range other.Files {
			if hotcell.Overlap(f.Path, theirs.Path) {
				return hotcell.Invalid(fmt.Sprintf("/files/%d/path", i), "%s has a file in this place", name)
			}
		}
	}
	return nil
}

// within refuses hosts of an attachment that its secret is not bound to.
func within(hosts []string, c hotcell.Credential) error {
	for i, host := range hosts {
		inside := func(outer string) bool { return site.Within(host, outer) }
		if len(c.Hosts) > 0 && !slices.ContainsFunc(c.Hosts, inside) {
			return hotcell.Invalid(fmt.Sprintf("/hosts/%d", i), "the secret %q is bound to other hosts: an attachment narrows them, and does not add to them", c.Name)
		}
	}
	return nil
}

// CheckAttach makes the rule for attachments of secrets: it refuses an attachment of c that is not one of a secret, and c on
// an assignment that has one of its variables already, from another secret or of
// its own, or where all would be too large together; a stand-in that would be swapped
// nowhere; and the key of a model's provider that nothing binds to it.
func CheckAttach(catalog *connector.Catalog) func(hotcell.VaultReader, hotcell.Attachment, hotcell.Credential) error {
	return func(r hotcell.VaultReader, on hotcell.Attachment, c hotcell.Credential) error {
		return checkAttach(catalog, r, on, c)
	}
}

func checkAttach(catalog *connector.Catalog, r hotcell.VaultReader, on hotcell.Attachment, c hotcell.Credential) error {
	if err := checkNarrowing(on, c); err != nil {
		return err
	}
	a, err := r.Assignment(c.Workspace, on.Assignment)
	if err != nil {
		return err
	}
	if err := cmp.Or(checkStandIn(on, c, a.Work), checkModelKey(catalog, on, c, a.Work.Allow)); err != nil {
		return err
	}
	for _, v := range c.Variables {
		if _, twice := a.Work.Environment[v.Name]; twice {
			return fmt.Errorf("%w: the assignment %q sets the variable %s itself", hotcell.ErrConflict, a.Name, v.Name)
		}
	}
	attached, err := r.Attachments(c.Workspace, on.Assignment, "")
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
		if err := checkFilesOf(on, at, door.Called(other, c)); err != nil {
			return err
		}
		for _, v := range other.Variables {
			if slices.ContainsFunc(c.Variables, func(own hotcell.Variable) bool { return own.Name == v.Name }) {
				return fmt.Errorf("%w: %s is attached to the assignment %q and has the variable %s too: rename one", hotcell.ErrConflict, door.Called(other, c), a.Name, v.Name)
			}
		}
	}
	if size > hotcell.MaxAssignmentSize {
		return fmt.Errorf("%w: the secrets of the assignment %q would hold more than 1 MiB together", hotcell.ErrConflict, a.Name)
	}
	return nil
}
