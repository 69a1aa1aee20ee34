package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
)

type agentList struct {
	Body struct {
		Items []hotcell.Agent `json:"items"`
	}
}

// catalogue lists the agents that assignments may name.
func (s *service) catalogue(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/agents", "list-agents", "List the agents that assignments may name", http.StatusOK,
		func(context.Context, hotcell.Principal, *struct{}) (*agentList, error) {
			out := &agentList{}
			out.Body.Items = []hotcell.Agent{}
			for _, name := range s.Agents.Names() {
				of, _ := s.Agents.Find(name)
				out.Body.Items = append(out.Body.Items, hotcell.Agent{Name: of.Name, Title: of.Title, Program: of.Program, Toolchain: of.Toolchain, There: s.InCells == nil || s.InCells(of.Program), Connectors: of.Connectors})
			}
			return out, nil
		})
}

// checkAgent says whether the server knows the agent of some work.
func (s *service) checkAgent(w hotcell.Work) error {
	if w.Agent == "" {
		return nil
	}
	_, err := s.Agents.Find(w.Agent)
	return err
}
