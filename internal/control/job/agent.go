package job

import (
	"fmt"
	"maps"
	"strings"

	"hotcell"
	"hotcell/internal/line/workerrpc"
)

// employ finds who does the work of a job that is being made: work with instructions
// and neither a command nor an agent has the server's. What the agent needs and the
// assignment does not say is the agent's.
func (s *Service) employ(w *hotcell.Work, external bool) error {
	if external {
		return nil
	}
	if w.Command == "" && strings.TrimSpace(w.Instructions) == "" {
		return fmt.Errorf("%w: the assignment has neither a command nor instructions, so its jobs are for agents elsewhere: hotcell jobs create --external; or give it one: hotcell assignments set --command, or --instructions", hotcell.ErrInvalid)
	}
	if err := s.root(w); err != nil {
		return err
	}
	if w.Command == "" && w.Agent == "" {
		if _, err := s.Config.Agents.Find(s.Config.Agent); err == nil {
			w.Agent = s.Config.Agent
		} else {
			w.Command = s.Config.Agent
		}
	}
	if w.Agent == "" {
		return nil
	}
	of, err := s.Config.Agents.Find(w.Agent)
	if err == nil && w.Limits.Memory == 0 {
		w.Limits.Memory = of.Memory << 20
	}
	return err
}

// root pins the image that the work names: the job has what the name leads to now.
func (s *Service) root(w *hotcell.Work) error {
	w.ImageDigest = ""
	if w.Image == "" {
		return nil
	}
	if s.Config.Images == nil {
		return fmt.Errorf("%w: this server has no images", hotcell.ErrNotFound)
	}
	found, err := s.Config.Images(w.Image)
	w.ImageDigest = found.Digest
	return err
}

// equip gives work that an agent does its command and variables, as a worker is to see
// them. The job itself keeps the agent's name.
func (s *Service) equip(j *hotcell.Job) error {
	w := &j.Work
	if w.Agent != "" {
		of, err := s.Config.Agents.Find(w.Agent)
		if err != nil {
			return err
		}
		environment := map[string]string{}
		maps.Copy(environment, of.Environment)
		maps.Copy(environment, w.Environment)
		w.Command, w.Environment = of.Shell(), environment
		if j.Trial {
			w.Command = of.Program
		}
	}
	if j.Trial {
		try(j)
	}
	if w.Command == "" {
		return fmt.Errorf("%w: it has instructions and no agent: set the assignment's --agent, or jobs.agent in the configuration", hotcell.ErrInvalid)
	}
	return nil
}

// judged is the outcome of a job by its cell's end. An agent that says it is done, and
// never asked which tools it has or got no answer of a model, has done nothing: it was
// not told of them, or could not reach them.
func (s *Service) judged(j hotcell.Job, end workerrpc.End) outcome {
	o := ofEnd(end)
	if j.Work.Agent == "" || j.Trial || end.Seen == nil {
		return o
	}
	var missing string
	switch {
	case end.Code != nil && *end.Code == 127:
		if of, err := s.Config.Agents.Find(j.Work.Agent); err == nil && of.Program != "" {
			o.reason = of.Missing()
		}
		return o
	case !end.Seen.Model:
		missing = "no model answered it"
		if end.Seen.Refusal != "" {
			missing += " (the last that was tried: " + end.Seen.Refusal + ")"
		}
		missing += ": attach a connection of its model's provider (hotcell connections create anthropic, …), or allow the host and say by --env where it is"
	case !end.Seen.Tools:
		missing = "it never asked which tools it has"
	default:
		return o
	}
	switch o.state {
	case hotcell.JobSucceeded:
		o.state, o.reason = hotcell.JobFailed, fmt.Sprintf("its agent ended as if all were well, but %s", missing)
	case hotcell.JobFailed:
		if o.code != nil {
			o.reason += "; " + missing
		}
	}
	return o
}
