package slack

import (
	"fmt"
	"slices"
	"strings"

	"hotcell/test/acme/account"
)

// room is a conversation, and whether the app is in it.
type room struct {
	id, name, scope string
	member          bool
}

// rooms are those of the workspace.
var rooms = []room{
	{"C0000001", "general", "channels", true}, {"C0000002", "ops", "channels", true}, {"C0000003", "board", "channels", true},
	{"C0000004", "strangers", "channels", false}, {"G0000005", "deals", "groups", true}, {"D0000006", "", "im", true},
}

// find finds a room by its id, or its name with #.
func find(text string) (room, bool) {
	i := slices.IndexFunc(rooms, func(r room) bool { return r.id == text || r.name != "" && "#"+r.name == text })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

// Messages are those that were posted, in order.
func (t *Twin) Messages() []Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.messages)
}

// Post posts a message as somebody else, and returns its timestamp.
func (t *Twin) Post(m Message) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(m)
}

func (t *Twin) add(m Message) string {
	m.TS = fmt.Sprintf("%d.000100", 1730000000+len(t.messages))
	t.messages = append(t.messages, m)
	return m.TS
}

func (t *Twin) post(who account.Account, arg func(string) string) answer {
	in, known := find(arg("channel"))
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !known:
		return refused("channel_not_found")
	case !in.member:
		return refused("not_in_channel")
	case arg("text") == "":
		return refused("no_text")
	case len(arg("text")) > 40000:
		return refused("msg_too_long")
	case arg("thread_ts") != "" && !t.first(in.id, arg("thread_ts")):
		return refused("thread_not_found")
	}
	ts := t.add(Message{Channel: in.id, User: who.ID, Text: arg("text"), Thread: arg("thread_ts")})
	return answer{"ok": true, "channel": in.id, "ts": ts, "message": answer{"type": "message", "text": arg("text"), "user": who.ID, "ts": ts}}
}

// first says whether a thread can be at a message.
func (t *Twin) first(channel, ts string) bool {
	return slices.ContainsFunc(t.messages, func(m Message) bool { return m.Channel == channel && m.TS == ts && m.Thread == "" })
}

// may says whether somebody can read a room.
func may(who account.Account, id string) (problem answer) {
	in, known := find(id)
	switch {
	case !known || id != in.id: // reading takes ids alone
		return refused("channel_not_found")
	case lacks(who, in.scope+":history") != nil:
		return lacks(who, in.scope+":history")
	case !in.member:
		return refused("not_in_channel")
	}
	return nil
}

func (t *Twin) shown(m Message) answer {
	out := answer{"type": "message", "user": m.User, "text": m.Text, "ts": m.TS}
	replies := 0
	for _, other := range t.messages {
		if other.Thread == m.TS {
			replies++
		}
	}
	switch {
	case m.Thread != "":
		out["thread_ts"] = m.Thread
	case replies > 0:
		out["thread_ts"], out["reply_count"] = m.TS, replies
	}
	return out
}

// history is what is in the room itself, newest first: answers in threads are not.
func (t *Twin) history(who account.Account, arg func(string) string) answer {
	if problem := may(who, arg("channel")); problem != nil {
		return problem
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	list := []answer{}
	for _, m := range slices.Backward(t.messages) {
		if m.Channel == arg("channel") && m.Thread == "" {
			list = append(list, t.shown(m))
		}
	}
	return t.paged("messages", list, arg, 100, 999)
}

// replies is a thread, oldest first, and begins with what it is at.
func (t *Twin) replies(who account.Account, arg func(string) string) answer {
	if problem := may(who, arg("channel")); problem != nil {
		return problem
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.first(arg("channel"), arg("ts")) {
		return refused("thread_not_found")
	}
	list := []answer{}
	for _, m := range t.messages {
		if m.Channel == arg("channel") && (m.TS == arg("ts") || m.Thread == arg("ts")) {
			list = append(list, t.shown(m))
		}
	}
	return t.paged("messages", list, arg, 1000, 1000)
}

func (t *Twin) paged(name string, list []answer, arg func(string) string, usual, most int) answer {
	part, next, problem := window(t, list, arg, usual, most)
	if problem != nil {
		return problem
	}
	out := answer{"ok": true, name: part, "has_more": next != ""}
	if next != "" { // where there is no more, some methods have no metadata at all
		out["response_metadata"] = answer{"next_cursor": next}
	}
	return out
}

func (t *Twin) list(who account.Account, arg func(string) string) answer {
	types := "public_channel"
	if arg("types") != "" {
		types = arg("types")
	}
	scopes := map[string]string{"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
	wanted := map[string]bool{}
	for kind := range strings.SplitSeq(types, ",") {
		scope, known := scopes[kind]
		if !known {
			return refused("invalid_types")
		}
		if problem := lacks(who, scope+":read"); problem != nil {
			return problem
		}
		wanted[scope] = true
	}
	list := []answer{}
	for _, r := range rooms {
		if wanted[r.scope] {
			list = append(list, answer{
				"id": r.id, "name": r.name, "is_channel": r.scope == "channels", "is_private": r.scope != "channels", "is_member": r.member,
				"topic": answer{"value": "about " + r.name, "creator": "", "last_set": 0},
			})
		}
	}
	return t.paged("channels", list, arg, 100, 999)
}

// people are those of the workspace.
var people = []answer{
	{"id": "U1", "team_id": "TAcme", "name": "ada", "real_name": "Ada", "deleted": false, "profile": answer{"title": "Engineer", "email": "ada@acme.test"}},
	{"id": "U2", "team_id": "TAcme", "name": "bob", "real_name": "Bob", "deleted": false, "profile": answer{"title": "", "email": "bob@acme.test"}},
}

func (t *Twin) byMail(_ account.Account, arg func(string) string) answer {
	return person("users_not_found", func(p answer) bool { m, _ := p["profile"].(answer); return m["email"] == arg("email") })
}

func (t *Twin) byID(_ account.Account, arg func(string) string) answer {
	return person("user_not_found", func(p answer) bool { return p["id"] == arg("user") })
}

func person(none string, is func(answer) bool) answer {
	i := slices.IndexFunc(people, is)
	if i < 0 {
		return refused(none)
	}
	return answer{"ok": true, "user": people[i]}
}
