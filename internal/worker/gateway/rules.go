package gateway

import (
	"context"
	"errors"
	"time"

	"hotcell"
	"hotcell/internal/wire/egress"
)

// rulebook is what the job may reach and use, with its uses by credential, which
// is how the guard names them.
type rulebook struct {
	egress.Rules
	by map[string]*hotcell.Use
	// token is the SHA-256 of an external job's, good until expires.
	token   []byte
	expires time.Time
}

func newRulebook(r egress.Rules) *rulebook {
	b := &rulebook{Rules: r, by: make(map[string]*hotcell.Use, len(r.Uses))}
	for i := range r.Uses {
		b.by[string(r.Uses[i].Credential)] = &r.Uses[i]
	}
	return b
}

// of are the rules of the browser, or of the job itself.
func (b *rulebook) of(browser bool) egress.Rules {
	r := b.Rules
	r.Browser = browser
	return r
}

// rules are what the job may reach and use; none until they were asked for.
func (g *Gateway) rules() *rulebook {
	if known := g.known.Load(); known != nil {
		return known
	}
	return &rulebook{}
}

// Refresh asks the vault anew what the job may.
func (g *Gateway) Refresh(ctx context.Context) error {
	answer, err := g.Vault.Rules(ctx, g.Job.ID)
	if err != nil {
		return err
	}
	book := newRulebook(egress.Rules{Allow: answer.Allow, Uses: answer.Uses, Models: g.Models, TCP: g.TCP})
	if answer.Expires != nil {
		book.token, book.expires = answer.Token, *answer.Expires
		if answer.Left != 0 { // a clock that is set meanwhile does not matter
			book.expires = g.Now().Add(answer.Left)
		}
	}
	g.known.Store(book)
	return nil
}

// Widened has the job know that it may do more: hosts, and tools.
func (g *Gateway) Widened(ctx context.Context) error {
	if err := g.Refresh(ctx); err != nil {
		return err
	}
	// A login that came may be used at once, so the guard knows it first.
	g.prints.learning.Lock()
	err := g.askPrints(ctx, 0)
	g.prints.learning.Unlock()
	return errors.Join(err, g.box.Refresh(ctx))
}
