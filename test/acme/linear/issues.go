package linear

import (
	"fmt"
	"slices"
	"strings"
)

var states = []object{
	{"id": "state-backlog", "name": "Backlog", "type": "backlog"}, {"id": "state-started", "name": "In Progress", "type": "started"}, {"id": "state-done", "name": "Done", "type": "completed"},
}

var labels = []object{{"id": "label-bug", "name": "Bug", "color": "#f00", "team": nil}, {"id": "label-feature", "name": "Feature", "color": "#0f0", "team": nil}}

func (t *Twin) team() object {
	return object{"id": "team-eng", "key": "ENG", "name": "Engineering", "states": whole(states)}
}

func (t *Twin) user(id string) object {
	name := map[string]string{"U1": "Ada", "U2": "Bob", "U6": "Eve"}[id]
	if name == "" {
		return nil
	}
	mail := strings.ToLower(name) + "@acme.test"
	return object{"id": id, "name": name, "displayName": strings.ToLower(name), "email": mail, "active": true, "organization": object{"id": "org", "name": "Acme"}}
}

// whole is a connection with all of a list.
func whole(list []object) object {
	return object{"nodes": list, "pageInfo": object{"hasNextPage": false, "endCursor": nil}}
}

// Issue adds an issue, and returns its identifier.
func (t *Twin) Issue(title string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprint(t.add(object{"title": title})["identifier"])
}

// Shown is an issue as it is now.
func (t *Twin) Shown(identifier string) map[string]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, err := t.find(identifier)
	if err != nil {
		return nil
	}
	return i
}

func (t *Twin) add(i object) object {
	n := len(t.issues) + 1
	i["id"], i["identifier"] = fmt.Sprintf("issue-%d", n), fmt.Sprintf("ENG-%d", n)
	i["url"], i["createdAt"], i["updatedAt"] = fmt.Sprintf("https://linear.app/acme/issue/ENG-%d", n), "2026-11-01T08:00:00.000Z", "2026-11-01T08:00:00.000Z"
	for name, usual := range map[string]any{"priority": 0, "state": states[0], "team": t.team(), "labels": whole([]object{}), "comments": whole([]object{})} {
		if i[name] == nil {
			i[name] = usual
		}
	}
	t.issues = slices.Insert(t.issues, 0, i)
	return i
}

// find finds an issue by its id, or its identifier.
func (t *Twin) find(id any) (object, error) {
	i := slices.IndexFunc(t.issues, func(o object) bool { return o["id"] == id || o["identifier"] == id })
	if i < 0 {
		return nil, &fault{badInput, "Entity not found: Issue - Could not find referenced Issue."}
	}
	return t.issues[i], nil
}

func (t *Twin) matching(term string) (out []object) {
	for _, i := range t.issues {
		if strings.Contains(strings.ToLower(fmt.Sprint(i["title"])), strings.ToLower(term)) {
			out = append(out, i)
		}
	}
	return out
}

// filtered knows the filters by assignee, by label and by the state's type.
func (t *Twin) filtered(args object) (out []object) {
	at := func(path ...string) any {
		v := args["filter"]
		for _, name := range path {
			m, _ := v.(object)
			v = m[name]
		}
		return v
	}
	for _, i := range t.issues {
		assignee, _ := i["assignee"].(object)
		state, _ := i["state"].(object)
		list, _ := i["labels"].(object)
		nodes, _ := list["nodes"].([]object)
		switch {
		case at("assignee", "id", "eq") != nil && assignee["id"] != at("assignee", "id", "eq"):
		case at("state", "id", "eq") != nil && state["id"] != at("state", "id", "eq"):
		case at("labels", "id", "eq") != nil && !slices.ContainsFunc(nodes, func(l object) bool { return l["id"] == at("labels", "id", "eq") }):
		case at("team", "id", "eq") != nil && at("team", "id", "eq") != "team-eng":
		default:
			out = append(out, i)
		}
	}
	return out
}

// set changes an issue as an input says.
func (t *Twin) set(i, in object) error {
	for name, v := range in {
		if v == nil {
			if name == "assigneeId" {
				i["assignee"] = nil
			}
			continue
		}
		switch name {
		case "title", "description", "priority":
			i[name] = v
		case "stateId":
			at := slices.IndexFunc(states, func(s object) bool { return s["id"] == v })
			if at < 0 {
				return &fault{badInput, "Entity not found: WorkflowState"}
			}
			i["state"] = states[at]
		case "assigneeId":
			u := t.user(fmt.Sprint(v))
			if u == nil {
				return &fault{badInput, "Entity not found: User"}
			}
			i["assignee"] = u
		case "labelIds":
			list := []object{}
			ids, _ := v.([]any)
			for _, id := range ids {
				at := slices.IndexFunc(labels, func(l object) bool { return l["id"] == id })
				if at < 0 {
					return &fault{badInput, "Entity not found: IssueLabel"}
				}
				list = append(list, labels[at])
			}
			i["labels"] = whole(list)
		}
	}
	return nil
}

func (t *Twin) change(name string, args object) (object, error) {
	in, _ := args["input"].(object)
	if t.failing {
		return object{"success": false, "issue": nil, "comment": nil, "lastSyncId": 1}, nil
	}
	switch name {
	case "issueCreate":
		if in["teamId"] != "team-eng" {
			return nil, &fault{badInput, "Entity not found: Team - Could not find referenced Team."}
		}
		if title, _ := in["title"].(string); title == "" {
			return nil, &fault{badInput, "Argument Validation Error: title is required"}
		}
		made := object{}
		if err := t.set(made, in); err != nil {
			return nil, err
		}
		return object{"success": true, "issue": t.add(made), "lastSyncId": 1}, nil
	case "issueUpdate":
		i, err := t.find(args["id"])
		if err == nil {
			err = t.set(i, in)
		}
		if err != nil {
			return nil, err
		}
		return object{"success": true, "issue": i, "lastSyncId": 1}, nil
	}
	i, err := t.find(in["issueId"])
	if err != nil {
		return nil, err
	}
	body, _ := in["body"].(string)
	if body == "" {
		return nil, &fault{badInput, "Argument Validation Error: body is required"}
	}
	list, _ := i["comments"].(object)
	nodes, _ := list["nodes"].([]object)
	said := object{"id": fmt.Sprintf("comment-%d", len(nodes)+1), "body": body, "url": fmt.Sprint(i["url"]) + "#comment", "createdAt": "2026-11-02T08:00:00.000Z", "user": t.user("U1")}
	i["comments"] = whole(append(slices.Clone(nodes), said))
	return object{"success": true, "comment": said, "lastSyncId": 1}, nil
}
