package test

import (
	"fmt"
	"strings"
	"testing"

	"hotcell/test/acme/hubspot"
)

func TestHubSpotAsItsDocumentationHasIt(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	c := a.hire(t, "hubspot")
	if list := a.OK("connections", "list"); !strings.Contains(list, "ada@acme.test in acme.test") {
		t.Errorf("who is connected: %s", list)
	}
	if r := a.Server.Run("connections", "test", "hubspot"); r.Code != 0 || !strings.Contains(r.Out+r.Err, "ada@acme.test") {
		t.Errorf("%+v", r)
	}
	// Two people of one portal are two accounts: one does not take the other's place.
	link := strings.TrimSpace(a.OK("connections", "reconnect", "hubspot", "--no-wait"))
	if page := a.consent(t, link, "bob@acme.test", "allow"); strings.Contains(page, "Connected") {
		t.Errorf("somebody else took the connection over: %s", page)
	}
	ada := a.HubSpot.Add(hubspot.Record{Kind: "contacts", Properties: map[string]string{"firstname": "Ada", "email": "ada@acme.test"}})
	acme := a.HubSpot.Add(hubspot.Record{Kind: "companies", Properties: map[string]string{"name": "Acme"}})
	deal := a.HubSpot.Add(hubspot.Record{Kind: "deals", Properties: map[string]string{"dealname": "Big"}})
	var note string
	has := func(kind, id, property, want string) func(*testing.T, string) {
		return func(t *testing.T, _ string) {
			if r, ok := a.HubSpot.Record(kind, id); !ok || r.Properties[property] != want {
				t.Errorf("%s %s: %+v", kind, id, r)
			}
		}
	}
	created := func(kind, property, want string) func(*testing.T, string) {
		return func(t *testing.T, answer string) {
			_, rest, _ := strings.Cut(answer, `"structuredContent":{"id":"`)
			id, _, _ := strings.Cut(rest, `"`)
			has(kind, id, property, want)(t, "")
			if kind == "notes" {
				note = id
			}
		}
	}
	c.does(t, "hubspot", []toolCall{
		{tool: "hubspot_search_contacts", args: map[string]any{"query": "ada"}, wants: []string{"ada@acme.test"}},
		{tool: "hubspot_read_contact", args: map[string]any{"id": ada, "properties": []string{"email", "phone"}}, wants: []string{"ada@acme.test", `"phone":null`}},
		{tool: "hubspot_create_contact", args: map[string]any{"properties": map[string]any{"email": "bob@acme.test", "firstname": "Böb \"B\""}}, then: created("contacts", "firstname", "Böb \"B\"")},
		{tool: "hubspot_update_contact", args: map[string]any{"id": ada, "properties": map[string]any{"jobtitle": "CEO"}}, then: has("contacts", ada, "jobtitle", "CEO")},
		{tool: "hubspot_search_companies", wants: []string{"Acme"}},
		{tool: "hubspot_read_company", args: map[string]any{"id": acme}, wants: []string{"Acme"}},
		{tool: "hubspot_create_company", args: map[string]any{"properties": map[string]any{"name": "Babbage"}}, then: created("companies", "name", "Babbage")},
		{tool: "hubspot_update_company", args: map[string]any{"id": acme, "properties": map[string]any{"city": "Berlin"}}, then: has("companies", acme, "city", "Berlin")},
		{tool: "hubspot_search_deals", wants: []string{"Big"}},
		{tool: "hubspot_read_deal", args: map[string]any{"id": deal}, wants: []string{"Big"}},
		{tool: "hubspot_create_deal", args: map[string]any{"properties": map[string]any{"dealname": "Small", "amount": 12}}, then: created("deals", "amount", "12")},
		{tool: "hubspot_update_deal", args: map[string]any{"id": deal, "properties": map[string]any{"amount": "480.50"}}, then: has("deals", deal, "amount", "480.50")},
		{tool: "hubspot_create_note", args: map[string]any{"contact": ada, "company": acme, "deal": deal, "text": "called"}, then: created("notes", "hs_note_body", "called")},
		{tool: "hubspot_read_note", fill: func(m map[string]any) { m["id"] = note }, wants: []string{"called", `"contacts":["` + ada, `"companies":["` + acme, `"deals":["` + deal}},
		{tool: "hubspot_update_note", args: map[string]any{"text": "called twice"}, fill: func(m map[string]any) { m["id"] = note }, then: func(t *testing.T, _ string) { has("notes", note, "hs_note_body", "called twice")(t, "") }},
		{tool: "hubspot_search_notes", args: map[string]any{"company": acme}, wants: []string{"called twice"}},
	})
	if out := c.tells(t, "hubspot_search_notes", map[string]any{"contact": "1"}); len(names(out["notes"], "id")) != 0 {
		t.Errorf("notes on somebody else: %v", out)
	}
	for i := range 7 {
		a.HubSpot.Add(hubspot.Record{Kind: "contacts", Properties: map[string]string{"firstname": "Many", "lastname": fmt.Sprint(i)}})
	}
	a.HubSpot.Short(2)
	c.listed(t, "hubspot_search_contacts", "contacts", map[string]any{"query": "many"}, 3, 7)
	a.HubSpot.Short(0)

	a.HubSpot.Limit(1)
	c.refuses(t, "hubspot_read_deal", map[string]any{"id": deal}, `"retryable":true`, `"retry_after":10`)
	c.refuses(t, "hubspot_read_deal", map[string]any{"id": "1"}, `"status":404`, "resource not found")
	c.refuses(t, "hubspot_create_contact", map[string]any{"properties": map[string]any{"email": "ada@acme.test"}}, `"status":409`, "Existing ID: "+ada)
	c.refuses(t, "hubspot_update_deal", map[string]any{"id": deal, "properties": map[string]any{"nonsense": "x"}}, `"status":400`, "does not exist")
	c.refuses(t, "hubspot_create_note", map[string]any{"text": "on nothing"})
	c.refuses(t, "hubspot_create_note", map[string]any{"text": "on nobody", "contact": "1"}, "No contacts with ID 1")
	a.Withhold("crm.objects.deals.write")
	c.refuses(t, "hubspot_update_deal", map[string]any{"id": deal, "properties": map[string]any{"amount": "1"}}, `"status":403`, "crm.objects.deals.write")
	a.Withhold("")
	a.gone(t, "hubspot", "revoked at the service")
	if a.Identity.Counts().Revocations != 1 {
		t.Errorf("%+v", a.Identity.Counts())
	}
	a.Canaries(a.ClientSecret("hubspot"))
}

func TestHubSpotRefusesWhatHubSpotDoes(t *testing.T) {
	t.Parallel()
	twin := hubspot.New(keyOf("Bearer key", "crm.objects.contacts.read", "crm.objects.contacts.write"))
	for _, c := range []struct{ method, path, kind, body, want string }{
		{"POST", "/crm/v3/objects/contacts/search", "application/json", `{"limit":201}`, `400 `},
		{"POST", "/crm/v3/objects/contacts/search", "application/json", `{"limit":200,"after":"9900"}`, `400 `},
		{"POST", "/crm/v3/objects/contacts/search", "", `{}`, `400 `},
		{"POST", "/crm/v3/objects/contacts/search", "application/json", `{"words":"x"}`, `400 `},
		{"POST", "/crm/v3/objects/deals/search", "application/json", `{}`, `MISSING_SCOPES`},
		{"POST", "/crm/v3/objects/notes", "application/json", `{"properties":{"hs_note_body":"x"}}`, `hs_timestamp`},
		{"GET", "/crm/v3/objects/contacts/7", "", ``, `OBJECT_NOT_FOUND`},
		{"GET", "/crm/v4/objects/contacts", "", ``, `404 `},
	} {
		if got := shown(t, twin, c.method, c.path, c.kind, "Bearer key", c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s %s %s: %s", c.method, c.path, c.body, got)
		}
	}
}
