package google

import (
	"maps"
	"regexp"
	"time"
)

// moment reads when something begins or ends; whole is true for a whole day.
func moment(v any) (at time.Time, whole, ok bool) {
	m, _ := v.(map[string]any)
	if day, is := m["date"].(string); is {
		at, err := time.Parse(time.DateOnly, day)
		return at, true, err == nil
	}
	text, _ := m["dateTime"].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err == nil {
		return at, false, true
	}
	name, _ := m["timeZone"].(string)
	zone, err := time.LoadLocation(name)
	if name == "" || err != nil {
		return at, false, false
	}
	at, err = time.ParseInLocation("2006-01-02T15:04:05", text, zone)
	return at, false, err == nil
}

var address = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)

// sound holds an event against what the service takes.
func sound(fields map[string]any) *Fault {
	start, wholeStart, startOK := moment(fields["start"])
	end, wholeEnd, endOK := moment(fields["end"])
	for _, name := range []string{"start", "end"} {
		m, is := fields[name].(map[string]any)
		_, day := m["date"]
		_, at := m["dateTime"]
		switch {
		case !is || !day && !at:
			return unfit("required", "Missing "+name+" time.")
		case day && at:
			return unfit("invalid", "Invalid "+name+" time.")
		}
		if zone, named := m["timeZone"].(string); named {
			if _, err := time.LoadLocation(zone); err != nil {
				return unfit("invalid", "Invalid time zone definition for "+name+" time.")
			}
		}
	}
	switch {
	case !startOK:
		return unfit("required", "Missing time zone definition for start time.")
	case !endOK:
		return unfit("required", "Missing time zone definition for end time.")
	case wholeStart != wholeEnd:
		return unfit("invalid", "Start and end times must either both be date or both be dateTime.")
	case !end.After(start) && (wholeStart || end.Before(start)):
		return unfit("timeRangeEmpty", "The specified time range is empty.")
	}
	list, _ := fields["attendees"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		if mail, _ := m["email"].(string); !address.MatchString(mail) {
			return unfit("invalid", "Invalid attendee email.")
		}
	}
	return nil
}

// merge puts a change over what was: null takes away, maps are gone into, lists
// are put in the other's place (RFC 7396).
func merge(was, change map[string]any) map[string]any {
	out := maps.Clone(was)
	if out == nil {
		out = map[string]any{}
	}
	for name, v := range change {
		inner, is := v.(map[string]any)
		before, _ := was[name].(map[string]any)
		switch {
		case v == nil:
			delete(out, name)
		case is:
			out[name] = merge(before, inner)
		default:
			out[name] = v
		}
	}
	return out
}
