package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
)

// menu is what one job may call, compiled. It does not change: where what the
// job holds does, there is another one.
type menu struct {
	holding *door.Holding
	// names are in the order of the attachments and of their connectors.
	names []string
	tools map[string][]*offer
	// missing are the connections whose tools cannot be told now.
	missing []string
	// answer is the list as it is told.
	answer *vaultrpc.ListToolsAnswer
}

// menus remember menus by job, and what attachments offer.
type menus struct {
	mu     sync.Mutex
	jobs   map[hotcell.JobID]*menu
	offers map[hotcell.AttachmentID]*offered
}

// maxMenus is how many are remembered.
const maxMenus = 4096

func (m *menus) find(holding *door.Holding) *menu {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found := m.jobs[holding.Grant.Job]; found != nil && found.holding == holding {
		return found
	}
	return nil
}

func (m *menus) keep(found *menu) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.jobs == nil || len(m.jobs) >= maxMenus {
		m.jobs = map[hotcell.JobID]*menu{}
	}
	m.jobs[found.holding.Grant.Job] = found
}

func (m *menus) offered(id hotcell.AttachmentID) *offered {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.offers[id]
}

func (m *menus) keepOffered(id hotcell.AttachmentID, found *offered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.offers == nil || len(m.offers) >= maxMenus {
		m.offers = map[hotcell.AttachmentID]*offered{}
	}
	m.offers[id] = found
}

// menu is what a live job may call now.
func (s *Service) menu(ctx context.Context, job hotcell.JobID) (*menu, error) {
	holding, err := s.Vault.Holding(ctx, job)
	if err != nil {
		return nil, err
	}
	if found := s.menus.find(holding); found != nil {
		return found, nil
	}
	m := &menu{holding: holding, tools: map[string][]*offer{}}
	for i := range holding.Uses {
		held := &holding.Uses[i]
		if held.Use.As != hotcell.InjectTools || !offers(held) {
			continue
		}
		offered, err := s.offered(ctx, held)
		if err != nil && understood(err) && ctx.Err() == nil {
			s.Log.Warn("a connection's tools are left out", "connection", held.Use.Credential, "error", err)
			m.missing = append(m.missing, held.Use.Name)
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, o := range offered.offers {
			if len(m.tools[o.name]) == 0 {
				m.names = append(m.names, o.name)
			}
			m.tools[o.name] = append(m.tools[o.name], o)
		}
	}
	m.answer = m.list()
	s.menus.keep(m)
	return m, nil
}

// offers says whether a connection's tools are listed: those of one that a person
// must renew are, and each call is told so.
func offers(held *door.Held) bool {
	return held.Refusal == nil || errors.Is(held.Refusal, hotcell.ErrNeedsReconnect)
}

// List lists the tools that a job may call, and says which access it has.
func (s *Service) List(ctx context.Context, job hotcell.JobID) (*vaultrpc.ListToolsAnswer, error) {
	m, err := s.menu(ctx, job)
	if err != nil {
		return nil, err
	}
	return m.answer, nil
}

// choose finds the tool of a name: where more than one connection has it, that
// of the one which the arguments name. It returns the tool's own arguments.
func (m *menu) choose(name string, arguments json.RawMessage) (*offer, json.RawMessage, *refusal) {
	offers := m.tools[name]
	if len(arguments) == 0 {
		arguments = json.RawMessage("{}")
	}
	switch len(offers) {
	case 0:
		return nil, nil, &refusal{codeNotFound, "there is no such tool here: " + m.others(), "the tool is not attached"}
	case 1:
		return offers[0], arguments, nil
	}
	argument := argumentOf(offers)
	which, rest, err := without(arguments, argument)
	if err != nil {
		return nil, nil, unfit(err)
	}
	if aliases := aliasesOf(offers); which != "" && among(aliases, which) == 1 {
		i := slices.Index(aliases, which)
		return offers[i], rest, nil
	}
	return nil, nil, &refusal{
		codeInvalid, fmt.Sprintf("more than one connection has this tool: say which in the argument %q: %s", argument, listed(offers)),
		"the call does not say which connection it is for",
	}
}

// others names the tools that there are.
func (m *menu) others() string {
	if len(m.names) == 0 {
		return "no tools of connections are attached"
	}
	return "there is " + strings.Join(slices.Sorted(slices.Values(m.names)), ", ")
}
