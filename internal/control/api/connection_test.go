package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/value/parcel"
)

func TestAKeyComesInSealedOrIsSealedAtTheEdge(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var w struct {
		Workspace hotcell.Workspace
		PublicKey []byte `json:"public_key"`
	}
	if err := json.Unmarshal([]byte(f.ask("GET", "/v1/workspace", "").body), &w); err != nil {
		t.Fatal(err)
	}
	public, err := parcel.ParsePublic(w.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(tier, item, value string) string {
		message, err := parcel.Seal(public, parcel.Context{Workspace: string(w.Workspace.ID), Tier: tier, Item: item, Field: "key"}, []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(message)
	}
	http := `"http":{"host":"api.stripe.test","auth":{"kind":"header","name":"X-Api-Key","prefix":"Key "}}`
	sealed := f.made("/v1/connections", fmt.Sprintf(`{"name":"sealed",%s,"sealed_key":%q}`, http, seal("connection", "sealed", "the-first-key")))
	plain := f.made("/v1/connections", fmt.Sprintf(`{"name":"plain","shared":true,"service":"stripe",%s,"key":"the-second-key"}`, http))
	if a, b := f.world.Value(sealed, "key"), f.world.Value(plain, "key"); a != "the-first-key" || b != "the-second-key" {
		t.Errorf("the vault has %q and %q", a, b)
	}
	for what, body := range map[string]string{
		"no key": `{"name":"x",` + http + `}`, "both": fmt.Sprintf(`{"name":"x",%s,"key":"abcdefgh","sealed_key":%q}`, http, seal("connection", "x", "abcdefgh")),
		"another tier": fmt.Sprintf(`{"name":"x",%s,"sealed_key":%q}`, http, seal("secret", "x", "abcdefgh")), "another name": fmt.Sprintf(`{"name":"x",%s,"sealed_key":%q}`, http, seal("connection", "y", "abcdefgh")),
		"no way on": `{"name":"x","key":"abcdefgh"}`,
	} {
		if r := f.ask("POST", "/v1/connections", body); r.status != 422 || len(r.Errors) == 0 {
			t.Errorf("%s: %d %s", what, r.status, r.body)
		}
	}
	r := f.ask("PATCH", "/v1/connections/"+sealed, fmt.Sprintf(`{"sealed_key":%q}`, seal("connection", sealed, "the-third-key")), "If-Match", `"1"`)
	if r.status != 200 || r.header.Get("ETag") != `"2"` || f.world.Value(sealed, "key") != "the-third-key" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := f.ask("PATCH", "/v1/connections/"+sealed, `{"name":"renamed","key":"the-fourth-key"}`, "If-Match", "*"); r.status != 200 || f.world.Value("renamed", "key") != "the-fourth-key" {
		t.Errorf("%d %s", r.status, r.body)
	}
	shown := f.ask("GET", "/v1/connections/"+plain, "")
	if !strings.Contains(shown.body, `"host":"api.stripe.test","port":443,"auth":{"kind":"header","name":"X-Api-Key","prefix":"Key "}`) || !strings.Contains(shown.body, `"service":"stripe"`) {
		t.Errorf("%s", shown.body)
	}
	for _, key := range []string{"the-first", "the-second", "the-third", "the-fourth"} {
		if strings.Contains(shown.body+r.body+f.world.Logged.String()+f.world.Remembered(), key) {
			t.Errorf("%q is shown, logged or remembered", key)
		}
	}
}

func TestConnectionsAndSecretsAreApart(t *testing.T) {
	t.Parallel()
	f := setup(t)
	connection := f.made("/v1/connections", `{"name":"stripe","http":{"host":"api.stripe.test","port":8443,"auth":{"kind":"bearer"}},"key":"a-key-of-mine"}`)
	secret := f.made("/v1/secrets", `{"name":"billing","hosts":["api.acme.test"],"values":{"K":"a-value-of-mine"}}`)
	for path, want := range map[string][]string{"/v1/connections": {"stripe"}, "/v1/secrets": {"billing"}, "/v1/connections?name=billing": nil} {
		if names, _ := f.ask("GET", path, "").names(t); !slices.Equal(names, want) {
			t.Errorf("%s: %q", path, names)
		}
	}
	for _, path := range []string{"/v1/connections/" + secret, "/v1/secrets/" + connection} {
		for _, method := range []string{"GET", "DELETE", "PATCH"} {
			body := map[string]string{"PATCH": `{"name":"b"}`}[method]
			if r := f.ask(method, path, body, "If-Match", "*"); r.status != 404 {
				t.Errorf("%s %s: %d %s", method, path, r.status, r.body)
			}
		}
		if r := f.ask("POST", path+"/share", ""); r.status != 404 {
			t.Errorf("sharing %s: %d", path, r.status)
		}
	}
	for _, verb := range []string{"share", "unshare"} {
		if r := f.ask("POST", "/v1/connections/"+connection+"/"+verb, ""); r.status != 200 || !strings.Contains(r.body, fmt.Sprintf(`"shared":%t`, verb == "share")) {
			t.Errorf("%s: %d %s", verb, r.status, r.body)
		}
	}
	if r := f.ask("DELETE", "/v1/connections/"+connection, ""); r.status != 428 {
		t.Errorf("without If-Match: %d", r.status)
	}
	if r := f.ask("DELETE", "/v1/connections/"+connection, "", "If-Match", `"3"`); r.status != 200 {
		t.Errorf("deleting: %d %s", r.status, r.body)
	}
}

func TestAnAttachmentIsNarrowed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	connection := f.made("/v1/connections", `{"name":"stripe","http":{"host":"api.stripe.test","auth":{"kind":"bearer"}},"key":"a-key-of-mine"}`)
	secret := f.made("/v1/secrets", `{"name":"billing","values":{"K":"a-value-of-mine"}}`)
	assignment := "/v1/assignments/" + f.made("/v1/assignments", `{"name":"report","work":{"command":"out x"}}`)
	for _, body := range []string{`"as":"http"`, `"as":"tools"`, `"as":"stand-in"`} {
		if r := f.ask("POST", assignment+"/attachments", `{"credential":"`+secret+`",`+body+`}`); r.status != 422 {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	r := f.ask("POST", assignment+"/attachments", `{"credential":"`+secret+`","as":"stand-in","hosts":["api.acme.test"],"methods":["GET"],"paths":["/v1/**"],"places":["body:token"],"brings":["header:X-Page-Key"]}`)
	if r.status != 201 || !strings.Contains(r.body, `"as":"stand-in","hosts":["api.acme.test"],"methods":["GET"],"paths":["/v1/**"],"places":["body:token"],"brings":["header:X-Page-Key"]`) || strings.Contains(r.body, "opens") {
		t.Errorf("%d %s", r.status, r.body)
	}
	r = f.ask("POST", assignment+"/attachments", `{"credential":"`+connection+`","methods":["POST"]}`)
	if r.status != 201 || !strings.Contains(r.body, `"as":"http"`) || !strings.Contains(r.body, `"opens":"api.stripe.test:443"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	shown := f.ask("GET", assignment, "").body
	for _, want := range []string{`"tier":"connection"`, `"tier":"secret"`, `"hosts":["api.acme.test"]`, `"host":"api.stripe.test"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("%s is not in %s", want, shown)
		}
	}
	if r := f.ask("PATCH", "/v1/secrets/"+secret, `{"hosts":[]}`, "If-Match", "*"); r.status != 200 || strings.Contains(r.body, `"hosts"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
}
