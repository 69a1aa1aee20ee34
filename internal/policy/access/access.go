// Package access decides: may this caller do this to that, and why not. It is
// pure; the API and the vault both ask it, and nothing else decides.
//
// It knows nothing of jobs' grants (the vault looks those up at each use). One
// way to use it:
//
//	if err := access.Decide(caller, access.Attach, access.Of(credential)); err != nil { … }
package access

import (
	"fmt"

	"hotcell"
)

// Action is what somebody wants to do.
type Action string

// The actions, in the order of DESIGN section 5.
const (
	SeeCredential     Action = "see this credential"
	CreateCredential  Action = "create credentials"
	ChangeCredential  Action = "change this credential"
	ShareCredential   Action = "share this credential"
	UnshareCredential Action = "unshare this credential"
	DeleteCredential  Action = "delete this credential"
	AttachCredential  Action = "attach this credential"

	SeeAssignment    Action = "see this assignment"
	CreateAssignment Action = "create assignments"
	ChangeAssignment Action = "change this assignment"
	DeleteAssignment Action = "delete this assignment"
	RunAssignment    Action = "run this assignment"

	SeeJob    Action = "see this job"
	CancelJob Action = "cancel this job"
	// DecideRequest is to answer what a job asks for.
	DecideRequest Action = "decide on this request"

	SeeAudit Action = "see this part of the audit log"

	// ChangeSettings is to change what holds for the whole workspace: its OAuth
	// clients, for one.
	ChangeSettings Action = "change this workspace's settings"
	// DeclareModel is to say that a model's provider keeps nothing of what an account
	// of it is sent.
	DeclareModel Action = "declare that a model's provider keeps nothing"
	// BackUp is to make a backup: all that the workspace has, sealed to those who may
	// open it.
	BackUp Action = "back this workspace up"

	// SeeMembers is to see who is in the workspace, and as what. InviteMembers lets others
	// in; ChangeMember gives another role or name; RemoveMember ends a membership. None of
	// them reaches above the caller's own role: [Above] says so.
	SeeMembers    Action = "see who is in this workspace"
	InviteMembers Action = "invite people into this workspace"
	ChangeMember  Action = "change this member"
	RemoveMember  Action = "remove this member"

	// CreateToken is to make an API token for oneself; SeeToken and DeleteToken are about
	// one that there is.
	CreateToken Action = "create API tokens"
	SeeToken    Action = "see this API token"
	DeleteToken Action = "delete this API token"

	// SeeKeys is to see how the workspace's keys stand, and RotateKeys to have them made
	// anew, which loses nothing.
	SeeKeys    Action = "see how the workspace's keys stand"
	RotateKeys Action = "rotate keys"
	// ReplaceKeys is to destroy an old key, and to give the vault
	// another identity.
	ReplaceKeys Action = "replace or destroy keys"
)

// Resource is what the decision depends on.
type Resource struct {
	// Owner is whose it is; for a job, on whose behalf it runs.
	Owner hotcell.MemberID
	// Shared is true for a credential of the workspace.
	Shared bool
}

// OfCredential is the resource that a credential is.
func OfCredential(c hotcell.Credential) Resource { return Resource{Owner: c.Owner, Shared: c.Shared} }

// OfAssignment is the resource that an assignment is.
func OfAssignment(a hotcell.Assignment) Resource { return Resource{Owner: a.Owner} }

// OfMember is the resource that a member is: their own.
func OfMember(m hotcell.Member) Resource { return Resource{Owner: m.ID} }

// OfToken is the resource that an API token is.
func OfToken(t hotcell.Token) Resource { return Resource{Owner: t.Member} }

// OfJob is the resource that a job is.
func OfJob(owner hotcell.MemberID) Resource { return Resource{Owner: owner} }

// Refusal is why not. It is [hotcell.ErrNotFound] where the caller may not
// even know that the thing is there, else [hotcell.ErrDenied].
type Refusal struct {
	Action Action
	Reason string
	Hidden bool
}

func (r *Refusal) Error() string {
	if r.Hidden {
		return "not found"
	}
	return fmt.Sprintf("denied: you may not %s: %s", r.Action, r.Reason)
}

// Unwrap is the sentinel.
func (r *Refusal) Unwrap() error {
	if r.Hidden {
		return hotcell.ErrNotFound
	}
	return hotcell.ErrDenied
}

// who may do an action: the least role, with the thing being one's own or not.
// A role that is missing in both may not.
type rule struct{ own, others hotcell.Role }

const nobody hotcell.Role = "nobody"

// rules is the table of DESIGN section 5. What is another's personal credential
// never comes here.
var rules = map[Action]rule{
	SeeCredential:     {hotcell.RoleMember, hotcell.RoleMember},
	CreateCredential:  {hotcell.RoleMember, nobody},
	ChangeCredential:  {hotcell.RoleMember, hotcell.RoleManager},
	ShareCredential:   {hotcell.RoleMember, nobody},
	UnshareCredential: {hotcell.RoleMember, hotcell.RoleManager},
	DeleteCredential:  {hotcell.RoleMember, hotcell.RoleManager},
	AttachCredential:  {hotcell.RoleBuilder, hotcell.RoleBuilder},

	SeeAssignment:    {hotcell.RoleMember, hotcell.RoleMember},
	CreateAssignment: {hotcell.RoleBuilder, nobody},
	ChangeAssignment: {hotcell.RoleBuilder, hotcell.RoleManager},
	DeleteAssignment: {hotcell.RoleBuilder, hotcell.RoleManager},
	RunAssignment:    {hotcell.RoleMember, hotcell.RoleMember},

	SeeJob:    {hotcell.RoleMember, hotcell.RoleManager},
	CancelJob: {hotcell.RoleMember, hotcell.RoleManager},

	DecideRequest: {hotcell.RoleMember, hotcell.RoleManager},

	SeeAudit: {hotcell.RoleMember, hotcell.RoleAdministrator},

	ChangeSettings: {hotcell.RoleAdministrator, hotcell.RoleAdministrator},
	DeclareModel:   {hotcell.RoleAdministrator, hotcell.RoleAdministrator},
	BackUp:         {hotcell.RoleOwner, hotcell.RoleOwner},

	SeeMembers:    {hotcell.RoleMember, hotcell.RoleMember},
	InviteMembers: {hotcell.RoleAdministrator, hotcell.RoleAdministrator},
	ChangeMember:  {hotcell.RoleAdministrator, hotcell.RoleAdministrator},
	RemoveMember:  {hotcell.RoleMember, hotcell.RoleAdministrator},

	CreateToken: {hotcell.RoleMember, nobody},
	SeeToken:    {hotcell.RoleMember, hotcell.RoleAdministrator},
	DeleteToken: {hotcell.RoleMember, hotcell.RoleAdministrator},

	SeeKeys:     {hotcell.RoleAdministrator, hotcell.RoleAdministrator},
	RotateKeys:  {hotcell.RoleAdministrator, hotcell.RoleAdministrator},
	ReplaceKeys: {hotcell.RoleOwner, hotcell.RoleOwner},
}

// ranks orders the roles; one that is not here may do nothing.
var ranks = map[hotcell.Role]int{
	hotcell.RoleMember:        1,
	hotcell.RoleBuilder:       2,
	hotcell.RoleManager:       3,
	hotcell.RoleAdministrator: 4,
	hotcell.RoleOwner:         5,
}

// aboutCredential lists the actions in which a personal credential of somebody
// else is as good as not there.
var aboutCredential = map[Action]bool{
	SeeCredential: true, ChangeCredential: true, ShareCredential: true,
	UnshareCredential: true, DeleteCredential: true, AttachCredential: true, DeclareModel: true,
}

// aboutJob lists the actions in which a job that one may not see is not there.
var aboutJob = map[Action]bool{SeeJob: true, CancelJob: true, DecideRequest: true}

// Decide returns nil when the caller may do the action to the resource, else a
// [*Refusal]. An unknown action or role is refused.
func Decide(caller hotcell.Caller, action Action, on Resource) error {
	own := on.Owner == caller.Member && caller.Member != ""
	if aboutCredential[action] && !own && !on.Shared {
		return &Refusal{Action: action, Reason: "it is personal to somebody else", Hidden: true}
	}
	r, known := rules[action]
	if !known {
		return &Refusal{Action: action, Reason: "no rule allows it"}
	}
	least := r.others
	if own {
		least = r.own
	}
	need, possible := ranks[least]
	if have := ranks[caller.Role]; !possible || have == 0 || have < need {
		return &Refusal{Action: action, Reason: reason(caller.Role, least, own), Hidden: aboutJob[action] && !own}
	}
	return nil
}

// Above refuses a caller a role that is above their own: they neither give it nor take it,
// and cannot change or remove who has it. A role that does not exist is refused too.
func Above(caller hotcell.Caller, action Action, role hotcell.Role) error {
	need, known := ranks[role]
	if !known {
		return &Refusal{Action: action, Reason: "there is no such role"}
	}
	if ranks[caller.Role] < need {
		return &Refusal{Action: action, Reason: fmt.Sprintf("the role %s is above yours, which is %s", role, caller.Role)}
	}
	return nil
}

func reason(have, least hotcell.Role, own bool) string {
	if least == nobody {
		return "only its owner may"
	}
	if have == "" {
		return "you have no role in this workspace"
	}
	if own {
		return fmt.Sprintf("it takes the role %s or a higher one, and yours is %s", least, have)
	}
	return fmt.Sprintf("it is not yours, so it takes the role %s or a higher one, and yours is %s", least, have)
}
