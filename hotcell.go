// Package hotcell is the vocabulary: the words of the house, the errors that
// callers decide on, and the contracts of the two stores and of the queue.
//
// It does no I/O and holds no value of any credential: what is sealed travels
// as bytes that only the vault can open. Read store.go for what is kept, and
// DESIGN.md section 2 for what the words mean.
package hotcell

import (
	"fmt"
	"slices"
	"time"
)

// Workspace is the tenant: a team, its people and what they connect.
type Workspace struct {
	ID        WorkspaceID `json:"id"`
	Name      string      `json:"name"`
	CreatedAt time.Time   `json:"created_at"`
}

// Role says what a member may do; DESIGN section 5 has the table.
type Role string

// The roles, from most to least.
const (
	RoleOwner         Role = "owner"
	RoleAdministrator Role = "administrator"
	RoleManager       Role = "manager"
	RoleBuilder       Role = "builder"
	RoleMember        Role = "member"
)

// Roles lists the roles, from most to least.
func Roles() []Role {
	return []Role{RoleOwner, RoleAdministrator, RoleManager, RoleBuilder, RoleMember}
}

// Member is a person in a workspace.
type Member struct {
	ID        MemberID    `json:"id"`
	Workspace WorkspaceID `json:"workspace"`
	// Person is whose membership it is; empty for the data folder's owner, as long as they
	// have made no account of theirs.
	Person    PersonID  `json:"person,omitempty"`
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	CreatedAt time.Time `json:"created_at"`
	// RemovedAt is when they were removed; who was is kept for the log's sake, and may
	// nothing.
	RemovedAt time.Time `json:"removed_at,omitzero"`
}

// Removed says whether they were removed from the workspace.
func (m Member) Removed() bool { return !m.RemovedAt.IsZero() }

// Principal is who asks. Of what somebody sends, the vault believes the bearer alone:
// the rest is what it makes of that ([Principal.Workspace] as far as they belong to it).
type Principal struct {
	Workspace WorkspaceID `json:"workspace"`
	Member    MemberID    `json:"member"`
	// Via says how they came in: "local" for the socket in the data folder.
	Via string `json:"via"`
	// Request is the id under which the outside knows this call.
	Request string `json:"request,omitempty"`
	// Person and Session are who is signed in, and by which session.
	Person  PersonID  `json:"person,omitempty"`
	Session SessionID `json:"session,omitempty"`
	// Token is the API token that they use, nil for none: what they may do is no more than
	// it says.
	Token *Token `json:"token,omitempty"`
	// Bearer is what they prove themselves by. It travels beside messages and not in them.
	Bearer Bearer `json:"-"`
}

// May says whether what the principal is signed in by is good for a scope; nil where it is.
// Whether they may do the thing, their role says.
func (p Principal) May(scope Scope) error {
	if p.Token == nil || scope == ScopeAny || slices.Contains(p.Token.Scopes, scope) {
		return nil
	}
	if scope == ScopeSelf {
		return fmt.Errorf("%w: an API token may not do this: sign in", ErrDenied)
	}
	return fmt.Errorf("%w: this API token lacks the scope %s", ErrDenied, scope)
}

// MayUse says whether what the principal is signed in by is good for an assignment; for all
// of them, where that is empty.
func (p Principal) MayUse(assignment AssignmentID) error {
	if p.Token == nil || p.Token.Assignment == "" || p.Token.Assignment == assignment {
		return nil
	}
	return fmt.Errorf("%w: this API token is good for one assignment only", ErrDenied)
}

// Caller is a principal with the role that the vault's own store gives them.
type Caller struct {
	Principal
	Role Role
}

// Page asks for one page of a list, newest first unless the method says else.
type Page struct {
	// After is the id of the last item of the page before; empty for the first.
	After string `json:"after,omitempty"`
	// Limit is how many items at the most; 0 means [DefaultPage].
	Limit int `json:"limit,omitempty"`
}

// DefaultPage and MaxPage bound how many items one page holds.
const (
	DefaultPage = 50
	MaxPage     = 100
)

// Size is the page's limit within its bounds.
func (p Page) Size() int {
	switch {
	case p.Limit <= 0:
		return DefaultPage
	case p.Limit > MaxPage:
		return MaxPage
	}
	return p.Limit
}
