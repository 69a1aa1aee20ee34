package call

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/policy/rule"
	"hotcell/internal/vault/internal/door"
)

// offer is one tool of one attachment, compiled.
type offer struct {
	held      door.Held
	connector *connector.Connector
	tool      *connector.Tool
	// name is what agents call it.
	name string
	host string
	port int
	auth hotcell.Auth
	// Of the connection: who was connected, and what it was told.
	account, accountID string
	settings           map[string]string
	rules              []compiled
	// approval is true where each call waits for a person.
	approval bool
}

// compiled is a rule with its words.
type compiled struct {
	when    string
	program *rule.Program
}

// offered is what one attachment offers, for as long as it and its credential
// are as they were.
type offered struct {
	held      door.Held
	connector *connector.Connector
	offers    []*offer
}

// fits says whether what was compiled is still what would be.
func (o *offered) fits(held *door.Held, c *connector.Connector) bool {
	return o != nil && o.connector == c && o.held.Credential.Name == held.Credential.Name && reflect.DeepEqual(o.held.Use.Narrowing, held.Use.Narrowing) &&
		reflect.DeepEqual(o.held.Credential.HTTP, held.Credential.HTTP) && reflect.DeepEqual(o.held.Credential.Connected, held.Credential.Connected)
}

// offered compiles, or remembers, what an attachment offers.
func (s *Service) offered(ctx context.Context, held *door.Held) (*offered, error) {
	c, err := s.Book.Of(ctx, held.Credential.Workspace, held.Credential)
	if err != nil {
		return nil, fmt.Errorf("looking up what %s offers: %w", held.Use.Name, err)
	}
	if found := s.menus.offered(held.Use.Attachment); found.fits(held, c) {
		return found, nil
	}
	out := &offered{held: *held, connector: c}
	for _, tool := range c.Tools {
		if !slices.Contains(held.Use.Tools, tool.Name) {
			continue
		}
		o, err := newOffer(*held, c, tool)
		if err != nil {
			return nil, err
		}
		out.offers = append(out.offers, o)
	}
	s.menus.keepOffered(held.Use.Attachment, out)
	return out, nil
}

func newOffer(held door.Held, c *connector.Connector, tool *connector.Tool) (*offer, error) {
	o := &offer{held: held, connector: c, tool: tool, name: c.AgentName(tool.Name)}
	if held.Credential.HTTP != nil { // one without a key has none
		o.auth = held.Credential.HTTP.Auth
	}
	if k := held.Credential.Connected; k != nil {
		o.account, o.accountID, o.settings = clip(k.Account), k.AccountID, k.Settings
	}
	var err error
	if o.host, o.port, err = c.Origin(o.settings); err != nil {
		return nil, fmt.Errorf("%w: where %s goes: %w", hotcell.ErrTampered, held.Use.Name, err)
	}
	n := held.Use.Narrowing
	o.approval = slices.Contains(n.Approve, tool.Name) || slices.Contains(n.Approve, "*") || tool.Approve && !slices.Contains(n.Unasked, tool.Name)
	for _, r := range n.Rules {
		if r.Tool != "" && r.Tool != tool.Name {
			continue
		}
		program, err := rule.Calls().Compile(r.When)
		if err != nil {
			// It was compiled when it was saved: what cannot be decided lets nothing through.
			return nil, fmt.Errorf("%w: a rule of %s cannot be read: %w", hotcell.ErrTampered, held.Use.Name, err)
		}
		o.rules = append(o.rules, compiled{r.When, program})
	}
	return o, nil
}

// ruled says why the rules do not let arguments through; nil where they do. What
// cannot be decided is not let through.
func (o *offer) ruled(ctx context.Context, args map[string]any) *refusal {
	if len(o.rules) == 0 {
		return nil
	}
	vars := map[string]any{"args": args, "tool": o.tool.Name, "account": o.account}
	for _, r := range o.rules {
		if yes, err := r.program.True(ctx, vars); err != nil || !yes {
			return &refusal{
				codeRefused, "a rule does not let this call through: what must be true is: " + r.when,
				"a rule does not let it through: " + r.when,
			}
		}
	}
	return nil
}

// alias is what tells the connection from others that have the same tool.
func (o *offer) alias() string { return o.held.Credential.Name }

// who is whom a call is made as.
func (o *offer) who() string {
	if o.account == "" {
		return o.connector.Name
	}
	return o.account + ", " + o.connector.Name
}
