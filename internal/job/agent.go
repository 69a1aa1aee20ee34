package job

import (
	"fmt"
	"maps"

	"hotcell"
	"hotcell/internal/workerrpc"
)

// employ finds who does the work of a job that is being made: work with instructions
// and neither a command nor an agent has the server's. What the agent needs and the
// assignment does not say is the agent's.
func (s *Service) employ(w *hotcell.Work, external bool) error {
	if external {
		return nil
	}
	if w.Command == "" && w.Agent == "" {
		if _, known := s.Config.Agents.Find(s.Config.Agent); known {
			w.Agent = s.Config.Agent
		} else {
			w.Command = s.Config.Agent
		}
	}
	if w.Agent == "" {
		return nil
	}
	if err := s.Config.Agents.Check(w.Agent); err != nil {
		return err
	}
	if of, _ := s.Config.Agents.Find(w.Agent); w.Limits.Memory == 0 {
		w.Limits.Memory = of.Memory << 20
	}
	return nil
}

// equip gives work that an agent does its command and variables, as a worker is to see
// them. The job itself keeps the agent's name.
func (s *Service) equip(w *hotcell.Work) error {
	if w.Agent != "" {
		if err := s.Config.Agents.Check(w.Agent); err != nil {
			return err
		}
		of, _ := s.Config.Agents.Find(w.Agent)
		w.Command = of.Shell()
		environment := maps.Clone(of.Environment)
		if environment == nil {
			environment = map[string]string{}
		}
		maps.Copy(environment, w.Environment)
		w.Environment = environment
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
	if j.Work.Agent == "" || end.Seen == nil {
		return o
	}
	var missing string
	switch {
	case end.Code != nil && *end.Code == 127:
		if of, known := s.Config.Agents.Find(j.Work.Agent); known && of.Program != "" {
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
