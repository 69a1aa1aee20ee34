package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
)

// table is a format in rows: which columns tell it, and which hold what.
type table struct {
	format Format
	// has are columns that it has, and others do not have all of.
	has                              []string
	title, site, user, password, otp string
}

// tables, the more telling before the others.
var tables = []table{
	{BitwardenCSV, []string{"login_uri", "login_username", "login_password"}, "name", "login_uri", "login_username", "login_password", "login_totp"},
	{LastPass, []string{"url", "username", "password", "extra", "name", "grouping"}, "name", "url", "username", "password", "totp"},
	{Firefox, []string{"url", "username", "password", "httprealm"}, "", "url", "username", "password", ""},
	{KeePassCSV, []string{"account", "login name", "password", "web site"}, "account", "web site", "login name", "password", ""},
	{KeePassCSV, []string{"group", "title", "username", "password", "url"}, "title", "url", "username", "password", "totp"},
	{OnePasswordCV, []string{"title", "url", "username", "password", "favorite"}, "title", "url", "username", "password", "otpauth"},
	{OnePasswordCV, []string{"title", "website", "username", "password"}, "title", "website", "username", "password", "one-time password"},
	{Safari, []string{"title", "url", "username", "password"}, "title", "url", "username", "password", "otpauth"},
	{Chrome, []string{"name", "url", "username", "password"}, "name", "url", "username", "password", ""},
}

// maxRows is how many entries a file has.
const maxRows = 10_000

// parseTable reads CSV (RFC 4180), whose first row names the columns.
func parseTable(format Format, text []byte) (*Logins, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, bad("this is no export that is known: say which with --format")
	}
	at := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := at[name]; twice && name != "" {
			return nil, bad("two columns have one name")
		}
		at[name] = i
	}
	i := slices.IndexFunc(tables, func(t table) bool {
		return (format == "" || format == t.format) && !slices.ContainsFunc(t.has, func(name string) bool { _, there := at[name]; return !there })
	})
	if i < 0 {
		return nil, bad("the first line does not name the columns of an export that is known: say which with --format, or export it anew")
	}
	out := &Logins{Format: tables[i].format}
	return out, tables[i].read(out, r, at)
}

func (t table) read(out *Logins, r *csv.Reader, at map[string]int) error {
	for number := 1; ; number++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if number > maxRows {
			return bad("it has more than %d entries", maxRows)
		}
		if broken, ok := errors.AsType[*csv.ParseError](err); ok && broken.StartLine == broken.Line && !errors.Is(err, io.ErrUnexpectedEOF) {
			// One line: what is after it can be told apart.
			out.Skipped = append(out.Skipped, Skipped{Entry: number, Reason: "its quotes do not match"})
			continue
		}
		if err != nil {
			return bad("entry %d cannot be read: its quotes do not match, so that nobody can say where it ends", number)
		}
		get := func(name string) string {
			if i, there := at[name]; there && name != "" && i < len(row) {
				return row[i]
			}
			return ""
		}
		e := entry{number: number, title: get(t.title), user: get(t.user), password: get(t.password), otp: get(t.otp), sites: []string{get(t.site)}}
		switch t.format {
		case BitwardenCSV:
			e.sites = strings.Split(get(t.site), ",")
			if kind := get("type"); kind != "" && kind != "login" {
				e.skip = "it is no login, but a " + kind
			}
		case LastPass:
			t.lastPass(out, &e)
		case Firefox:
			if get("httprealm") != "" && strings.HasPrefix(e.sites[0], "http") {
				e.skip = "it is for HTTP's own authentication, which is no page to sign in on"
			}
		case KeePassCSV:
			e.trashed = recycled(get("group"))
		case OnePasswordCV:
			e.archived = strings.EqualFold(get("archived"), "true")
		}
		for _, name := range []string{"notes", "note", "extra", "comments", "fields"} {
			if get(name) != "" {
				out.note("notes and other fields are not imported: a login has none")
			}
		}
		out.add(e)
	}
}

// recycled says whether a path of groups leads into KeePassXC's recycle bin.
func recycled(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(group string) bool { return strings.EqualFold(group, "recycle bin") })
}

// entities are what LastPass writes for characters that HTML knows.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`)

// lastPass undoes what its export does to values, and tells its notes apart.
func (t table) lastPass(out *Logins, e *entry) {
	if e.sites[0] == "http://sn" {
		e.skip = "it is a note, and no login"
		return
	}
	if meant := entities.Replace(e.password); meant != e.password {
		e.password = meant
		out.note("LastPass writes &, < and > as &amp;, &lt; and &gt;: passwords are taken with the characters themselves")
	}
	e.user = entities.Replace(e.user)
}
