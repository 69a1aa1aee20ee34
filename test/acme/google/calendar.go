package google

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	calendarAll    = scope + "calendar"
	calendarRead   = scope + "calendar.readonly"
	calendarEvents = scope + "calendar.events"
)

type calendar struct{ id, owner, summary, zone, role string }

// event is one in a calendar, as JSON has it.
type event struct {
	calendar string
	fields   map[string]any
	deleted  bool
}

// calendar registers the API of calendars, version 3.
func (t *Twin) calendar(a api) {
	lists := []string{calendarAll, calendarRead, calendarEvents, calendarEvents + ".readonly"}
	a.on("GET /users/me/calendarList", t.listCalendars, calendarAll, calendarRead, scope+"calendar.calendarlist", scope+"calendar.calendarlist.readonly")
	a.on("GET /calendars/{calendar}/events", t.listEvents, lists...)
	a.on("GET /calendars/{calendar}/events/{id}", t.getEvent, lists...)
	a.on("POST /calendars/{calendar}/events", t.makeEvent, calendarAll, calendarEvents)
	a.on("PATCH /calendars/{calendar}/events/{id}", t.changeEvent, calendarAll, calendarEvents)
	a.on("DELETE /calendars/{calendar}/events/{id}", t.deleteEvent, calendarAll, calendarEvents)
	a.on("POST /freeBusy", t.freeBusy, calendarAll, calendarRead, scope+"calendar.freebusy", scope+"calendar.events.freebusy")
}

// AddCalendar gives somebody a further calendar; role is what they may do in it.
func (t *Twin) AddCalendar(owner, id, summary, role string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calendars = append(t.calendars, &calendar{id, owner, summary, "Europe/Berlin", role})
}

// Events are those of a calendar that are not deleted, as JSON has them.
func (t *Twin) Events(id string) (out []map[string]any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.events {
		if e.calendar == id && !e.deleted {
			out = append(out, maps.Clone(e.fields))
		}
	}
	return out
}

// Invited are who got mail about an event: address, space, what became of it.
func (t *Twin) Invited() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.invited)
}

func gone() *Fault { return &Fault{Code: 404, Reason: "notFound", Message: "Not Found"} }

// calendarOf is a calendar by its id; "primary" is the own one.
func (t *Twin) calendarOf(c *call, id string, write bool) (*calendar, *Fault) {
	if id == "primary" || id == c.who.Mail {
		return &calendar{c.who.Mail, c.who.Mail, c.who.Mail, "Europe/Berlin", "owner"}, nil
	}
	for _, one := range t.calendars {
		if one.id == id && one.owner == c.who.Mail {
			if write && one.role != "owner" && one.role != "writer" {
				return nil, &Fault{Code: 403, Reason: "requiredAccessLevel", Message: "You need to have writer access to this calendar."}
			}
			return one, nil
		}
	}
	return nil, gone()
}

func (t *Twin) listCalendars(c *call) (any, *Fault) {
	size, f := c.number("maxResults", 100, 250)
	if f != nil {
		return nil, f
	}
	own, _ := t.calendarOf(c, "primary", false)
	list := []any{map[string]any{"kind": "calendar#calendarListEntry", "id": own.id, "summary": own.summary, "timeZone": own.zone, "accessRole": "owner", "primary": true}}
	for _, one := range t.calendars {
		if one.owner == c.who.Mail {
			list = append(list, map[string]any{"kind": "calendar#calendarListEntry", "id": one.id, "summary": one.summary, "timeZone": one.zone, "accessRole": one.role})
		}
	}
	part, next, f := page(c, list, size)
	if f != nil {
		return nil, f
	}
	out := map[string]any{"kind": "calendar#calendarList", "items": part}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

// when reads a bound of a list: RFC 3339 with an offset.
func (c *call) when(name string) (time.Time, *Fault) {
	text := c.query.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, unfit("badRequest", "Bad Request")
	}
	return at, nil
}

func (t *Twin) listEvents(c *call) (any, *Fault) {
	of, f := t.calendarOf(c, c.r.PathValue("calendar"), false)
	if f != nil {
		return nil, f
	}
	size, f := c.number("maxResults", 250, 2500)
	if f != nil {
		return nil, f
	}
	after, f := c.when("timeMin")
	if f != nil {
		return nil, f
	}
	before, f := c.when("timeMax")
	if f != nil {
		return nil, f
	}
	order := c.query.Get("orderBy")
	switch {
	case !before.IsZero() && !before.After(after):
		return nil, unfit("timeRangeEmpty", "The specified time range is empty.")
	case order == "startTime" && c.query.Get("singleEvents") != "true":
		return nil, unfit("badRequest", "The requested ordering is not available for the particular query.")
	case order != "" && order != "startTime" && order != "updated":
		return nil, unfit("badRequest", "Bad Request")
	}
	found := []*event{}
	for _, e := range t.events {
		start, _, _ := moment(e.fields["start"])
		end, _, _ := moment(e.fields["end"])
		text, _ := json.Marshal(e.fields)
		if e.calendar == of.id && !e.deleted && end.After(after) && (before.IsZero() || start.Before(before)) && strings.Contains(strings.ToLower(string(text)), strings.ToLower(c.query.Get("q"))) {
			found = append(found, e)
		}
	}
	if order == "startTime" {
		slices.SortStableFunc(found, func(a, b *event) int {
			one, _, _ := moment(a.fields["start"])
			other, _, _ := moment(b.fields["start"])
			return one.Compare(other)
		})
	}
	part, next, f := page(c, found, size)
	if f != nil {
		return nil, f
	}
	items := []any{}
	for _, e := range part {
		items = append(items, e.fields)
	}
	out := map[string]any{"kind": "calendar#events", "summary": of.summary, "timeZone": of.zone, "accessRole": of.role, "items": items}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

func (t *Twin) event(c *call, of *calendar) (*event, *Fault) {
	for _, e := range t.events {
		if e.calendar == of.id && e.fields["id"] == c.r.PathValue("id") {
			if e.deleted {
				return nil, &Fault{Code: 410, Reason: "deleted", Message: "Resource has been deleted"}
			}
			return e, nil
		}
	}
	return nil, gone()
}

func (t *Twin) getEvent(c *call) (any, *Fault) {
	of, f := t.calendarOf(c, c.r.PathValue("calendar"), false)
	if f != nil {
		return nil, f
	}
	e, f := t.event(c, of)
	if f != nil {
		return nil, f
	}
	return e.fields, nil
}

// notify says to all who come what became of an event, where that is wanted.
func (t *Twin) notify(c *call, e *event, what string) *Fault {
	switch c.query.Get("sendUpdates") {
	case "", "none":
		return nil
	case "all", "externalOnly":
	default:
		return unfit("invalidParameter", "Invalid value for: sendUpdates")
	}
	list, _ := e.fields["attendees"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		t.invited = append(t.invited, fmt.Sprint(m["email"], " ", what))
	}
	return nil
}

func (t *Twin) makeEvent(c *call) (any, *Fault) {
	of, f := t.calendarOf(c, c.r.PathValue("calendar"), true)
	if f != nil {
		return nil, f
	}
	e := &event{calendar: of.id}
	if json.Unmarshal(c.body, &e.fields) != nil || e.fields == nil {
		return nil, unfit("parseError", "Parse Error")
	}
	if f := sound(e.fields); f != nil {
		return nil, f
	}
	if f := t.notify(c, e, "invited"); f != nil {
		return nil, f
	}
	id := fmt.Sprintf("acme%08d", len(t.events)+1)
	maps.Copy(e.fields, map[string]any{"kind": "calendar#event", "id": id, "status": "confirmed", "htmlLink": "https://www.google.com/calendar/event?eid=" + id})
	t.events = append(t.events, e)
	return e.fields, nil
}

func (t *Twin) changeEvent(c *call) (any, *Fault) {
	of, f := t.calendarOf(c, c.r.PathValue("calendar"), true)
	if f != nil {
		return nil, f
	}
	e, f := t.event(c, of)
	if f != nil {
		return nil, f
	}
	var change map[string]any
	if json.Unmarshal(c.body, &change) != nil {
		return nil, unfit("parseError", "Parse Error")
	}
	fresh := merge(e.fields, change)
	if f := sound(fresh); f != nil {
		return nil, f
	}
	e.fields = fresh
	if f := t.notify(c, e, "updated"); f != nil {
		return nil, f
	}
	return e.fields, nil
}

func (t *Twin) deleteEvent(c *call) (any, *Fault) {
	of, f := t.calendarOf(c, c.r.PathValue("calendar"), true)
	if f != nil {
		return nil, f
	}
	e, f := t.event(c, of)
	if f != nil {
		return nil, f
	}
	if f := t.notify(c, e, "cancelled"); f != nil {
		return nil, f
	}
	e.deleted = true
	return nil, nil
}

func (t *Twin) freeBusy(c *call) (any, *Fault) {
	var in struct {
		Min   string `json:"timeMin"`
		Max   string `json:"timeMax"`
		Zone  string `json:"timeZone"`
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return nil, unfit("parseError", "Parse Error")
	}
	after, one := time.Parse(time.RFC3339, in.Min)
	before, other := time.Parse(time.RFC3339, in.Max)
	switch {
	case one != nil || other != nil:
		return nil, unfit("badRequest", "Bad Request")
	case !before.After(after):
		return nil, unfit("timeRangeEmpty", "The specified time range is empty.")
	case before.Sub(after) > 92*24*time.Hour:
		return nil, unfit("timeRangeTooLong", "The requested time range is too long.")
	}
	out := map[string]any{}
	for _, item := range in.Items {
		of, f := t.calendarOf(c, item.ID, false)
		if f != nil {
			out[item.ID] = map[string]any{"errors": []any{map[string]any{"domain": "global", "reason": "notFound"}}, "busy": []any{}}
			continue
		}
		busy := []any{}
		for _, e := range t.events {
			start, _, _ := moment(e.fields["start"])
			end, _, _ := moment(e.fields["end"])
			if e.calendar == of.id && !e.deleted && end.After(after) && start.Before(before) {
				busy = append(busy, map[string]any{"start": start.UTC().Format(time.RFC3339), "end": end.UTC().Format(time.RFC3339)})
			}
		}
		out[item.ID] = map[string]any{"busy": busy}
	}
	return map[string]any{"kind": "calendar#freeBusy", "timeMin": in.Min, "timeMax": in.Max, "calendars": out}, nil
}
