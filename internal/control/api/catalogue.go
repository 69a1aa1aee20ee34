package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
)

type agentList struct {
	Body struct {
		Items []hotcell.Agent `json:"items"`
	}
}

// catalogue lists the agents and the images that assignments may name.
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
	operation(s, api, http.MethodGet, "/v1/images", "list-images", "List the images that assignments may name", http.StatusOK,
		func(context.Context, hotcell.Principal, *struct{}) (*imageList, error) {
			out := &imageList{}
			out.Body.Items = []hotcell.Image{}
			if s.Images == nil {
				return out, nil
			}
			list, err := s.Images()
			out.Body.Items = append(out.Body.Items, list...)
			return out, err
		})
}

type imageList struct {
	Body struct {
		Items []hotcell.Image `json:"items"`
	}
}

// checkNamed says whether the server knows the agent and the image of some work.
func (s *service) checkNamed(w hotcell.Work) error {
	if err := s.checkAgent(w); err != nil || w.Image == "" {
		return err
	}
	if s.Images != nil {
		list, err := s.Images()
		if err != nil || slices.ContainsFunc(list, func(i hotcell.Image) bool { return i.Name == w.Image }) {
			return err
		}
	}
	return hotcell.Invalid("/work/image", "there is no image %q; on the server's machine: hotcell images add", w.Image)
}

// checkAgent says whether the server knows the agent of some work.
func (s *service) checkAgent(w hotcell.Work) error {
	if w.Agent == "" {
		return nil
	}
	_, err := s.Agents.Find(w.Agent)
	return err
}
