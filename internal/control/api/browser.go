package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/cellrpc"
)

type handBrowser struct {
	ID   string `path:"id"`
	Body struct {
		Kind   string  `json:"kind" enum:"take,give,click,drag,type,press,scroll,navigate,tab,accept,dismiss" doc:"take it first: the agent's calls wait until it is given back"`
		X      float64 `json:"x,omitempty" doc:"where in the picture, in pixels"`
		Y      float64 `json:"y,omitempty"`
		ToX    float64 `json:"to_x,omitempty" doc:"where a drag ends"`
		ToY    float64 `json:"to_y,omitempty"`
		DX     float64 `json:"dx,omitempty" doc:"how far is scrolled to the right, and down: 400 down where both are 0"`
		DY     float64 `json:"dy,omitempty"`
		Text   string  `json:"text,omitempty" doc:"what is typed, the key that is pressed, or the address; it is written down nowhere"`
		Tab    string  `json:"tab,omitempty" doc:"the tab of the frame that you saw: what was meant for another page is refused; the last frame's where it is empty. For tab, the one to go to"`
		Origin string  `json:"origin,omitempty" doc:"the origin of the frame that you saw"`
		Keys   string  `json:"keys,omitempty" doc:"the origin that what you type is meant for, as the frame said: the page's own or the last frame's where it is empty"`
		Shown  bool    `json:"shown,omitempty" doc:"lets the agent have what you type, where it goes into an ordinary field of the page itself that can be seen; everything else that you type is withheld"`
	}
}

// viewBrowser streams the browser of the caller's own job.
func (s *service) viewBrowser(ctx context.Context, p hotcell.Principal, in *jobID) (*huma.StreamResponse, error) {
	if err := check(in.ID, hotcell.PrefixJob); err != nil {
		return nil, err
	}
	view, err := s.Jobs.Browser(ctx, p, hotcell.JobID(in.ID), nil)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer func() { _ = view.Close() }()
		hc.SetHeader("Content-Type", "application/x-ndjson")
		w := hc.BodyWriter()
		flusher, _ := w.(interface{ Flush() })
		buf := make([]byte, 64<<10)
		for {
			n, err := view.Read(buf)
			if n > 0 {
				if _, failed := w.Write(buf[:n]); failed != nil {
					return
				}
				if flusher != nil {
					flusher.Flush()
				}
			}
			if err != nil {
				return
			}
		}
	}}, nil
}

// handBrowser does what a person does in it.
func (s *service) handBrowser(ctx context.Context, p hotcell.Principal, in *handBrowser) (*empty, error) {
	if err := check(in.ID, hotcell.PrefixJob); err != nil {
		return nil, err
	}
	b := in.Body
	_, err := s.Jobs.Browser(ctx, p, hotcell.JobID(in.ID), (*cellrpc.Hand)(&b))
	return &empty{}, err
}

type learnWay struct {
	ID   string `path:"id"`
	Body struct {
		Credential string `json:"credential" doc:"a login of the job"`
	}
}

type learnedWay struct {
	Body struct {
		Step hotcell.WayStep `json:"step" doc:"the request that signs in; it is kept with the login by changing that: steps"`
	}
}

// learnWay finds out how a login signs in, in the browser of the caller's own job.
func (s *service) learnWay(ctx context.Context, p hotcell.Principal, in *learnWay) (*learnedWay, error) {
	if err := check(in.ID, hotcell.PrefixJob); err != nil {
		return nil, err
	}
	if err := check(in.Body.Credential, hotcell.PrefixLogin); err != nil {
		return nil, err
	}
	answer, err := s.Jobs.Browser(ctx, p, hotcell.JobID(in.ID), &cellrpc.Hand{Kind: cellrpc.HandLearn, Text: in.Body.Credential})
	if err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, fmt.Errorf("%w: the browser said nothing", hotcell.ErrUnavailable)
	}
	defer func() { _ = answer.Close() }()
	out := &learnedWay{}
	if err := json.NewDecoder(answer).Decode(&out.Body.Step); err != nil {
		return nil, fmt.Errorf("%w: reading a way in: %w", hotcell.ErrUnavailable, err)
	}
	return out, nil
}
