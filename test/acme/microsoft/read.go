package microsoft

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// known are the words of a query that Graph has.
var known = []string{"$search", "$filter", "$select", "$top", "$skip", "$skiptoken", "$orderby", "$count", "$expand"}

func missing() *Fault {
	return &Fault{Status: 404, Code: "ErrorItemNotFound", Message: "The specified object was not found in the store."}
}

func (t *Twin) message(c *call) (*Message, *Fault) {
	id := c.r.PathValue("id")
	if !strings.HasPrefix(id, "AAMk") {
		return nil, bad("ErrorInvalidIdMalformed", "Id is malformed.")
	}
	for _, m := range t.messages {
		if m.ID == id && m.owner == c.who.Mail {
			return m, nil
		}
	}
	return nil, missing()
}

// asText says whether bodies are wanted as text.
func (c *call) asText() bool {
	text := strings.Contains(c.r.Header.Get("Prefer"), `outlook.body-content-type="text"`)
	if text {
		c.w.Header().Set("Preference-Applied", `outlook.body-content-type="text"`)
	}
	return text
}

// selected is a thing with the properties that were asked for.
func (c *call) selected(of, all map[string]any) (map[string]any, *Fault) {
	names := c.query.Get("$select")
	if names == "" {
		return of, nil
	}
	out := map[string]any{"@odata.etag": `W/"CQAAABYAAAA"`}
	if kind, there := of["@odata.type"]; there {
		out["@odata.type"] = kind
	}
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		if _, there := all[name]; !there {
			return nil, bad("RequestBroker--ParseUri", "Could not find a property named '"+name+"' on type 'Microsoft.OutlookServices.Message'.")
		}
		if v, there := of[name]; there {
			out[name] = v
		} else if name == "from" {
			out[name] = nil
		}
	}
	out["id"] = of["id"]
	return out, nil
}

func (t *Twin) get(c *call) (any, *Fault) {
	m, f := t.message(c)
	if f != nil {
		return nil, f
	}
	return c.selected(m.shown(c.asText()), selectable())
}

// bound reads a number of the query.
func (c *call) bound(name string, usual, most int) (int, *Fault) {
	text := c.query.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most || n == 0 && name == "$top" {
		return 0, bad("ErrorInvalidUrlQuery", "Invalid value for the query parameter "+name+".")
	}
	return n, nil
}

// asked holds a query against what goes together.
func (c *call) asked() *Fault {
	for name := range c.query {
		if strings.HasPrefix(name, "$") && !slices.Contains(known, name) {
			return bad("BadRequest", "The query parameter '"+name+"' is not supported.")
		}
	}
	if !c.query.Has("$search") {
		return nil
	}
	for name, code := range map[string]string{"$filter": "SearchWithFilter", "$orderby": "SearchWithOrderBy", "$skip": "SearchWithSkip"} {
		if c.query.Has(name) {
			return bad(code, "The query parameter '"+name+"' is not supported with '$search'.")
		}
	}
	search := c.query.Get("$search")
	if len(search) < 3 || search[0] != '"' || search[len(search)-1] != '"' || strings.Contains(strings.ReplaceAll(search[1:len(search)-1], `\"`, ""), `"`) {
		return bad("BadRequest", "Syntax error: character ':' is not valid at position 4 in '"+search+"'.")
	}
	return nil
}

func (t *Twin) list(c *call) (any, *Fault) {
	if f := c.asked(); f != nil {
		return nil, f
	}
	filter, f := readFilter(c.query.Get("$filter"), c.query.Get("$orderby"))
	if f != nil {
		return nil, f
	}
	in, there := t.folder(c.r.PathValue("folder"))
	if c.r.PathValue("folder") != "" && !there {
		return nil, missing()
	}
	search := ""
	if c.query.Has("$search") {
		search = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(c.query.Get("$search")[1 : len(c.query.Get("$search"))-1])
	}
	found := []*Message{}
	for _, m := range t.messages {
		if m.owner == c.who.Mail && filter(m) && m.matches(search) && (!there || m.Folder == in.id) {
			found = append(found, m)
		}
	}
	if !strings.HasSuffix(c.query.Get("$orderby"), " asc") && c.query.Get("$orderby") != "receivedDateTime" {
		slices.SortStableFunc(found, func(a, b *Message) int { return b.at.Compare(a.at) })
	}
	return paged(c, "messages", found, func(m *Message) (map[string]any, *Fault) { return c.selected(m.shown(c.asText()), selectable()) })
}

// paged is the page of a list that a call asks for, with the address of the next one.
func paged[T any](c *call, of string, list []T, show func(T) (map[string]any, *Fault)) (any, *Fault) {
	top, f := c.bound("$top", 10, 1000)
	if f != nil {
		return nil, f
	}
	skip, f := c.bound(cmp.Or(c.skip(), "$skip"), 0, 1<<20)
	if f != nil {
		return nil, f
	}
	if c.most > 0 {
		top = min(top, c.most)
	}
	values := []any{}
	end := min(skip+top, len(list))
	for i := min(skip, end); i < end; i++ {
		v, f := show(list[i])
		if f != nil {
			return nil, f
		}
		values = append(values, v)
	}
	out := map[string]any{"@odata.context": c.self("/v1.0/$metadata#users('me')/" + of), "value": values}
	if end < len(list) {
		q := maps.Clone(c.query)
		q.Set(cmp.Or(c.skip(), "$skip"), strconv.Itoa(end))
		out["@odata.nextLink"] = c.self(c.r.URL.EscapedPath() + "?" + q.Encode())
	}
	return out, nil
}

// skip names what tells the place in a list that was searched.
func (c *call) skip() string {
	if c.query.Has("$search") {
		return "$skiptoken"
	}
	return ""
}

// matches knows a few of the words of searches.
func (m *Message) matches(search string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(search)) {
		field, value, found := strings.Cut(word, ":")
		within := strings.Join(append(slices.Concat(m.To, m.Cc), m.From, m.Subject, m.text()), " ")
		if found {
			switch field {
			case "from":
				within = m.From
			case "subject":
				within = m.Subject
			case "to":
				within = strings.Join(m.To, " ")
			case "hasattachments":
				within = strconv.FormatBool(len(m.Files) > 0)
			}
			word = value
		}
		word = strings.Trim(word, `"`)
		if !strings.Contains(strings.ToLower(within), word) {
			return false
		}
	}
	return true
}

var clause = regexp.MustCompile(`^(isRead|hasAttachments|conversationId|subject|from/emailAddress/address|receivedDateTime) (eq|ge|le) ('(?:[^']|'')*'|true|false|[0-9TZ:.-]+)$`)

// readFilter reads terms with "and" between. What a list is sorted by comes first in
// its filter, as the service wants it.
func readFilter(text, order string) (func(*Message) bool, *Fault) {
	if text == "" {
		return func(*Message) bool { return true }, nil
	}
	terms := strings.Split(text, " and ")
	if field, _, _ := strings.Cut(order, " "); field != "" && !strings.HasPrefix(terms[0], field) {
		return nil, bad("InefficientFilter", "The restriction or sort order is too complex for this operation.")
	}
	var all []func(*Message) bool
	for _, term := range terms {
		m := clause.FindStringSubmatch(term)
		if m == nil {
			return nil, bad("BadRequest", "Invalid filter clause: "+term)
		}
		value := strings.ReplaceAll(strings.Trim(m[3], "'"), "''", "'")
		all = append(all, func(of *Message) bool {
			shown := of.shown(true)
			has := fmt.Sprint(shown[m[1]])
			if m[1] == "from/emailAddress/address" {
				has = of.From
			}
			switch m[2] {
			case "ge":
				return has >= value
			case "le":
				return has <= value
			}
			return has == value
		})
	}
	return func(m *Message) bool {
		return !slices.ContainsFunc(all, func(one func(*Message) bool) bool { return !one(m) })
	}, nil
}

func (t *Twin) attachments(c *call) (any, *Fault) {
	m, f := t.message(c)
	if f != nil {
		return nil, f
	}
	list := []any{}
	for i := range m.Files {
		of := m.attachment(i)
		one, f := c.selected(of, map[string]any{"id": 0, "name": 0, "contentType": 0, "size": 0, "isInline": 0, "lastModifiedDateTime": 0})
		if f != nil {
			return nil, f
		}
		list = append(list, one)
	}
	return map[string]any{"@odata.context": c.self("/v1.0/$metadata#attachments"), "value": list}, nil
}

func (t *Twin) attached(c *call) (*Message, int, *Fault) {
	m, f := t.message(c)
	if f != nil {
		return nil, 0, f
	}
	for i := range m.Files {
		if m.attachment(i)["id"] == c.r.PathValue("attachment") {
			return m, i, nil
		}
	}
	return nil, 0, missing()
}

func (t *Twin) attachment(c *call) (any, *Fault) {
	m, i, f := t.attached(c)
	if f != nil {
		return nil, f
	}
	of := m.attachment(i)
	return c.selected(of, of)
}

// value is a file's own bytes, or a message's in MIME.
func (t *Twin) value(c *call) (any, *Fault) {
	m, i, f := t.attached(c)
	if f != nil {
		return nil, f
	}
	return m.Files[i], nil
}

func (t *Twin) listFolders(c *call) (any, *Fault) {
	if f := c.asked(); f != nil {
		return nil, f
	}
	parent := folder{}
	if name := c.r.PathValue("folder"); name != "" {
		var there bool
		if parent, there = t.folder(name); !there {
			return nil, missing()
		}
	}
	below := func(id string) (out []folder) {
		for _, f := range t.folders {
			if f.parent == id {
				out = append(out, f)
			}
		}
		return out
	}
	all := map[string]any{"id": 0, "displayName": 0, "parentFolderId": 0, "childFolderCount": 0, "totalItemCount": 0, "unreadItemCount": 0}
	return paged(c, "mailFolders", below(parent.id), func(f folder) (map[string]any, *Fault) {
		total, unread := 0, 0
		for _, m := range t.messages {
			if m.owner == c.who.Mail && m.Folder == f.id {
				total++
				if !m.Read {
					unread++
				}
			}
		}
		return c.selected(map[string]any{"id": f.id, "displayName": f.name, "parentFolderId": cmp.Or(f.parent, "AAMkFolderRoot=="), "childFolderCount": len(below(f.id)), "totalItemCount": total, "unreadItemCount": unread}, all)
	})
}
