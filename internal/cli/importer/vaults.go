package importer

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
)

// parseBitwarden reads Bitwarden's JSON (https://bitwarden.com/help/export-your-data/).
func parseBitwarden(text []byte) (*Logins, error) {
	var file struct {
		Encrypted bool
		Items     []struct {
			Type        int
			Name        string
			DeletedDate *string
			Notes       *string
			Login       *struct {
				URIs []struct {
					URI   *string
					Match *int
				}
				Username, Password, TOTP *string
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, bad("this is no JSON of Bitwarden's")
	}
	if file.Encrypted {
		return nil, bad("the export is encrypted: export it as .json, without a password, and remove the file after")
	}
	if file.Items == nil {
		return nil, bad("this is no JSON of Bitwarden's: it has no items")
	}
	out := &Logins{Format: Bitwarden}
	value := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	kinds := map[int]string{2: "note", 3: "card", 4: "identity", 5: "SSH key"}
	for i, item := range file.Items {
		e := entry{number: i + 1, title: item.Name, trashed: item.DeletedDate != nil}
		if item.Login == nil {
			e.skip = "it is no login"
			if kind := kinds[item.Type]; kind != "" {
				e.skip = "it is no login, but a " + kind
			}
		} else {
			e.user, e.password, e.otp = value(item.Login.Username), value(item.Login.Password), value(item.Login.TOTP)
			for _, uri := range item.Login.URIs {
				e.sites = append(e.sites, value(uri.URI))
				if uri.Match != nil {
					out.note("how Bitwarden compares addresses is not taken over: a login is for its exact host")
				}
			}
		}
		if value(item.Notes) != "" {
			out.note("notes and other fields are not imported: a login has none")
		}
		out.add(e)
	}
	return out, nil
}

// max1PUX is how much the data of a 1PUX file unpacks to, in bytes.
const max1PUX = 100 << 20

// parse1PUX reads 1Password's archive (https://support.1password.com/1pux-format/).
func parse1PUX(content []byte) (*Logins, error) {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, bad("this is no 1PUX file of 1Password's")
	}
	f, err := archive.Open("export.data")
	if err != nil {
		return nil, bad("this is no 1PUX file of 1Password's: it has no export.data")
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, max1PUX+1))
	if err != nil || len(text) > max1PUX {
		return nil, bad("the 1PUX file is damaged, or too large")
	}
	var file struct {
		Accounts []struct {
			Vaults []struct{ Items []wrapped1PUX }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, bad("the data of the 1PUX file cannot be read")
	}
	out := &Logins{Format: OnePassword}
	number := 0
	for _, account := range file.Accounts {
		for _, vault := range account.Vaults {
			for i := range vault.Items {
				number++
				out.add(vault.Items[i].of().entry(number))
			}
		}
	}
	return out, nil
}

// wrapped1PUX is an item, as newer exports have it, or within "item", as older do.
type wrapped1PUX struct {
	item1PUX
	Item *item1PUX
}

func (w *wrapped1PUX) of() *item1PUX {
	if w.Item != nil {
		return w.Item
	}
	return &w.item1PUX
}

type item1PUX struct {
	State, CategoryUUID string
	Overview            struct {
		Title, URL string
		URLs       []struct{ URL string }
	}
	Details struct {
		LoginFields []struct{ Value, Designation string }
		Password    string
		Sections    []struct {
			Fields []struct {
				Value struct {
					TOTP *string `json:"totp"`
				}
			}
		}
	}
}

// The categories of 1Password that are logins: "Login" and "Password".
const (
	loginCategory    = "001"
	passwordCategory = "005"
)

func (i *item1PUX) entry(number int) entry {
	e := entry{number: number, title: i.Overview.Title, trashed: i.State == "trashed" || i.State == "deleted", archived: i.State == "archived"}
	if i.CategoryUUID != loginCategory && i.CategoryUUID != passwordCategory {
		e.skip = "it is no login"
		return e
	}
	e.sites = []string{i.Overview.URL}
	for _, u := range i.Overview.URLs {
		e.sites = append(e.sites, u.URL)
	}
	e.password = i.Details.Password
	for _, f := range i.Details.LoginFields {
		switch f.Designation {
		case "username":
			e.user = f.Value
		case "password":
			e.password = f.Value
		}
	}
	for _, s := range i.Details.Sections {
		for _, f := range s.Fields {
			if f.Value.TOTP != nil && e.otp == "" {
				e.otp = *f.Value.TOTP
			}
		}
	}
	return e
}
