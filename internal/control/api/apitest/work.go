package apitest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// assignment finds an assignment at the revision. The lock is held.
func (v *vault) assignment(id hotcell.AssignmentID, revision int) (*hotcell.Assignment, error) {
	i := slices.IndexFunc(v.assignments, func(a hotcell.Assignment) bool { return a.ID == id })
	if i < 0 {
		return &hotcell.Assignment{}, hotcell.ErrNotFound
	}
	if revision != 0 && revision != v.assignments[i].Revision {
		return nil, &hotcell.StaleError{Current: v.assignments[i].Revision}
	}
	return &v.assignments[i], nil
}

func checkWork(w hotcell.Work) error {
	if w.Command == "" {
		return hotcell.Invalid("/work/command", "a command is needed")
	}
	for name := range w.Environment {
		if _, reserved := hotcell.ReservedVariable(name); reserved {
			return hotcell.Invalid("/work/environment", "this name is reserved")
		}
	}
	return nil
}

func (v *vault) CreateAssignment(_ context.Context, in *vaultrpc.CreateAssignmentRequest) (*vaultrpc.AssignmentAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := checkWork(in.Work); err != nil {
		return nil, err
	}
	for _, other := range v.assignments {
		if other.Name == in.Name {
			return nil, fmt.Errorf("%w: there is an assignment of this name already", hotcell.ErrConflict)
		}
	}
	now := (*World)(v).tick()
	a := hotcell.Assignment{
		ID: hotcell.AssignmentID(hotcell.NewID(hotcell.PrefixAssignment)), Workspace: v.workspace.ID, Owner: v.member.ID,
		Name: in.Name, Revision: 1, Work: in.Work, CreatedAt: now, UpdatedAt: now,
	}
	v.assignments = append(v.assignments, a)
	(*World)(v).record("assignment.create", a.Name, "")
	return &vaultrpc.AssignmentAnswer{Assignment: a}, nil
}

func (v *vault) ChangeAssignment(_ context.Context, in *vaultrpc.ChangeAssignmentRequest) (*vaultrpc.AssignmentAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	a, err := v.assignment(in.ID, in.Revision)
	if err != nil {
		return nil, err
	}
	if in.Work != nil {
		if err := checkWork(*in.Work); err != nil {
			return nil, err
		}
		a.Work = *in.Work
	}
	a.Name, a.Revision, a.UpdatedAt = deref(in.Name, a.Name), a.Revision+1, (*World)(v).tick()
	return &vaultrpc.AssignmentAnswer{Assignment: *a}, nil
}

func (v *vault) DeleteAssignment(_ context.Context, in *vaultrpc.AssignmentRequest) error {
	leave, err := v.enter()
	if err != nil {
		return err
	}
	defer leave()
	if _, err := v.assignment(in.ID, in.Revision); err != nil {
		return err
	}
	v.assignments = slices.DeleteFunc(v.assignments, func(a hotcell.Assignment) bool { return a.ID == in.ID })
	return nil
}

func (v *vault) Assignment(_ context.Context, in *vaultrpc.AssignmentRequest) (*vaultrpc.AssignmentAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	a, err := v.assignment(in.ID, 0)
	if err != nil {
		return nil, err
	}
	answer := &vaultrpc.AssignmentAnswer{Assignment: *a}
	for _, at := range v.attachments {
		if at.Assignment != in.ID {
			continue
		}
		c, err := v.secret(at.Credential, 0)
		if err != nil {
			return nil, err
		}
		attached := vaultrpc.AttachedCredential{Attachment: at, Name: c.Name, Tier: c.Tier, Hosts: at.Hosts, HTTP: c.HTTP}
		if len(at.Hosts) == 0 {
			attached.Hosts = c.Hosts
		}
		for _, variable := range c.Variables {
			attached.Variables = append(attached.Variables, variable.Name)
		}
		answer.Attachments = append(answer.Attachments, attached)
	}
	return answer, nil
}

func (v *vault) Assignments(_ context.Context, in *vaultrpc.AssignmentsRequest) (*vaultrpc.AssignmentsAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	found := slices.DeleteFunc(slices.Clone(v.assignments), func(a hotcell.Assignment) bool { return in.Name != "" && a.Name != in.Name })
	slices.SortFunc(found, func(a, b hotcell.Assignment) int { return cmp.Compare(a.Name, b.Name) })
	page, err := pageOf(found, in.Page, func(a hotcell.Assignment) string { return string(a.ID) })
	return &vaultrpc.AssignmentsAnswer{Assignments: page}, err
}

func (v *vault) Attach(_ context.Context, in *vaultrpc.AttachRequest) (*vaultrpc.AttachAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if _, err := v.assignment(in.Assignment, 0); err != nil {
		return nil, err
	}
	c, err := v.secret(in.Credential, 0)
	if err != nil {
		return nil, err
	}
	as, err := asOf(c, in)
	if err != nil {
		return nil, err
	}
	for _, a := range v.attachments {
		if a.Assignment == in.Assignment && a.Credential == in.Credential {
			return nil, fmt.Errorf("%w: it is attached already", hotcell.ErrConflict)
		}
	}
	a := hotcell.Attachment{
		ID: hotcell.AttachmentID(hotcell.NewID(hotcell.PrefixAttachment)), Workspace: v.workspace.ID, Assignment: in.Assignment, Credential: in.Credential,
		As: as, Narrowing: in.Narrowing, CreatedBy: v.member.ID, CreatedAt: (*World)(v).tick(),
	}
	v.attachments = append(v.attachments, a)
	(*World)(v).record("attachment.create", "", "")
	answer := &vaultrpc.AttachAnswer{Attachment: a}
	if c.HTTP != nil {
		answer.Opens = fmt.Sprintf("%s:%d", c.HTTP.Host, c.HTTP.Port)
	}
	return answer, nil
}

// asOf is how a credential is attached.
func asOf(c *hotcell.Credential, in *vaultrpc.AttachRequest) (hotcell.Injection, error) {
	usual := hotcell.InjectEnvironment
	if c.Tier == hotcell.TierConnection {
		usual = hotcell.InjectHTTP
	}
	if c.Tier == hotcell.TierLogin {
		usual = hotcell.InjectLogin
	}
	if len(in.Tools) > 0 {
		usual = hotcell.InjectTools
	}
	as := cmp.Or(in.As, usual)
	switch {
	case (as == hotcell.InjectHTTP || as == hotcell.InjectTools) != (c.Tier == hotcell.TierConnection):
		return "", hotcell.Invalid("/as", "this is not how a %s is attached", c.Tier)
	case as == hotcell.InjectStandIn && len(in.Hosts)+len(c.Hosts) == 0:
		return "", hotcell.Invalid("/hosts", "say to which, with --hosts, here or on the secret")
	}
	return as, nil
}

func (v *vault) ChangeAttachment(_ context.Context, in *vaultrpc.ChangeAttachmentRequest) (*vaultrpc.AttachAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	for i := range v.attachments {
		if v.attachments[i].ID == in.Attachment {
			v.attachments[i].Narrowing = in.Narrowing
			return &vaultrpc.AttachAnswer{Attachment: v.attachments[i]}, nil
		}
	}
	return nil, hotcell.ErrNotFound
}

func (v *vault) ConfirmAttachment(_ context.Context, in *vaultrpc.ConfirmAttachmentRequest) (*vaultrpc.AttachAnswer, error) {
	return nil, fmt.Errorf("%w: it waits for no confirmation", hotcell.ErrConflict)
}

func (v *vault) Detach(_ context.Context, in *vaultrpc.DetachRequest) error {
	leave, err := v.enter()
	if err != nil {
		return err
	}
	defer leave()
	before := len(v.attachments)
	v.attachments = slices.DeleteFunc(v.attachments, func(a hotcell.Attachment) bool { return a.ID == in.Attachment })
	if len(v.attachments) == before {
		return hotcell.ErrNotFound
	}
	return nil
}

func (v *vault) Events(_ context.Context, in *vaultrpc.EventsRequest) (*vaultrpc.EventsAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	f := in.Filter
	found := slices.DeleteFunc(slices.Clone(v.events), func(e hotcell.Event) bool {
		return f.Kind != "" && e.Kind != f.Kind && !strings.HasPrefix(e.Kind, f.Kind+".") || f.Job != "" && e.Job != f.Job || f.Member != "" && e.Member != f.Member ||
			f.Decision != "" && e.Decision != f.Decision || f.Before != 0 && e.Sequence >= f.Before || f.Ascending && e.Sequence <= f.After
	})
	if !f.Ascending {
		slices.Reverse(found)
	}
	return &vaultrpc.EventsAnswer{Events: found[:min(len(found), cmp.Or(f.Limit, hotcell.DefaultPage))]}, nil
}

func (v *vault) VerifyEvents(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.VerifyAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if v.broken != 0 {
		return &vaultrpc.VerifyAnswer{Events: v.broken - 1, Broken: v.broken, Reason: "its hash is not the one that follows from the event before it"}, nil
	}
	return &vaultrpc.VerifyAnswer{Events: int64(len(v.events)), Head: []byte{0xab, 0xcd}}, nil
}
