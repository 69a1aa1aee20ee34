package door

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"hotcell"
)

// openElsewhere has a grant be for an agent elsewhere: it makes the agent's token,
// of which the grant keeps the hash. What only a cell could use is refused: an
// agent elsewhere gets results, and no value.
func (v *Vault) openElsewhere(grant *hotcell.Grant, life time.Duration, browser bool) (token string, err error) {
	if slices.ContainsFunc(grant.Uses, func(u hotcell.Use) bool { return u.As == hotcell.InjectEnvironment || u.As == hotcell.InjectStandIn }) {
		return "", fmt.Errorf("%w: a secret is attached, and secrets go into a cell, which an external job does not have: use an assignment with connections alone", hotcell.ErrDenied)
	}
	if !browser && !slices.ContainsFunc(grant.Uses, func(u hotcell.Use) bool { return u.As == hotcell.InjectTools || u.As == hotcell.InjectLogin }) {
		return "", fmt.Errorf("%w: an external job is for its tools, and the assignment has none: attach a connection with --tools, or a login, or give it a browser (--browser)", hotcell.ErrDenied)
	}
	token = hotcell.NewToken(grant.Job)
	sum, until := sha256.Sum256([]byte(token)), v.steady().Add(life)
	grant.Token, grant.Expires = sum[:], &until
	return token, nil
}

// steady is the time as it was when this vault was opened, and what has passed
// since: a clock that is set meanwhile ends no job early, and lets none live on.
func (v *Vault) steady() time.Time { return v.opened.Add(v.now().Sub(v.opened)) }

// Left is how long an external job's grant lives yet; 0 for one in a cell.
func (v *Vault) Left(g hotcell.Grant) time.Duration {
	if g.Expires == nil {
		return 0
	}
	return g.Expires.Sub(v.steady())
}
