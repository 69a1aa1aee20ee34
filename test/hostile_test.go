package test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/test/acme/hostile"
)

var (
	escape  = regexp.MustCompile(`\\u00([0-9a-fA-F]{2})`)
	percent = regexp.MustCompile(`%([0-9a-fA-F]{2})`)
)

// stolen says in which form a text holds a part of a value that is of use to
// somebody: 16 bytes of it in a row.
func stolen(text []byte, value string) string {
	spelled := func(r *regexp.Regexp, b []byte) []byte {
		return r.ReplaceAllFunc(b, func(m []byte) []byte {
			n, _ := strconv.ParseUint(string(m[len(m)-2:]), 16, 8)
			return []byte{byte(n)}
		})
	}
	backwards := bytes.Clone(text)
	slices.Reverse(backwards)
	lanes := map[string][]byte{
		"as it is": text, "reversed": backwards, "in JSON's escapes": spelled(escape, text), "percent-encoded": spelled(percent, text),
		"in HTML's entities": []byte(html.UnescapeString(string(spelled(escape, text)))), "in UTF-16": bytes.ReplaceAll(text, []byte{0}, nil),
	}
	for i := 0; i+16 <= len(value); i++ {
		part := []byte(value[i : i+16])
		for name, lane := range lanes {
			if bytes.Contains(lane, part) {
				return name
			}
		}
		if bytes.Contains(bytes.ToLower(text), []byte(hex.EncodeToString(part))) {
			return "in hex"
		}
		// What stands beside it in base64 spoils the characters at both ends.
		for offset := range 3 {
			coded := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), part...))
			coded = coded[4 : len(coded)-3]
			for _, one := range []string{coded, strings.NewReplacer("+", "-", "/", "_").Replace(coded)} {
				if bytes.Contains(text, []byte(one)) {
					return "in base64"
				}
			}
		}
	}
	return ""
}

// TestWhatIsStolenIsFound tries the test's own eyes: each form that the hostile
// service has is one that would be seen.
func TestWhatIsStolenIsFound(t *testing.T) {
	t.Parallel()
	const value = "rt_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_x"
	wide := func() (out []byte) {
		for _, c := range utf16.Encode([]rune(value)) {
			out = append(out, byte(c), byte(c>>8))
		}
		return out
	}
	backwards := []byte(value)
	slices.Reverse(backwards)
	for name, text := range map[string][]byte{
		"raw": []byte("x" + value + "y"), "reversed": backwards, "utf16": wide(), "hex": []byte(hex.EncodeToString([]byte("a" + value))),
		"base64": []byte(base64.StdEncoding.EncodeToString([]byte("ab" + value + "c"))), "base64url": []byte(base64.RawURLEncoding.EncodeToString([]byte("a" + value))),
		"percent": []byte(regexp.MustCompile(".").ReplaceAllStringFunc(value, func(s string) string { return "%" + hex.EncodeToString([]byte(s)) })),
		"json":    []byte(regexp.MustCompile(".").ReplaceAllStringFunc(value, func(s string) string { return `\u00` + hex.EncodeToString([]byte(s)) })),
		"html":    []byte(regexp.MustCompile(".").ReplaceAllStringFunc(value, func(s string) string { return "&#" + strconv.Itoa(int(s[0])) + ";" })),
		"a part":  []byte(value[7:24]),
	} {
		if stolen(text, value) == "" {
			t.Errorf("%s is not seen", name)
		}
	}
	if form := stolen([]byte(url.QueryEscape("nothing of it: rt_AbCdEfGhIj")), value); form != "" {
		t.Errorf("seen %s where it is not", form)
	}
}

// TestAHostileServiceGivesNoTokenAway leads a real connector to a service that
// wants the token to get to the agent, or anywhere else.
func TestAHostileServiceGivesNoTokenAway(t *testing.T) {
	t.Parallel()
	a := turned(t, "github")
	c := a.hire(t, "github")
	got := map[string][]byte{}
	// The last of them ends the connection, as it must: the service says that it does
	// not know the token.
	const last = "error-unknown"
	attacks := append(slices.DeleteFunc(hostile.Attacks(), func(a string) bool { return a == last }), last)
	for i, attack := range attacks {
		if i > 0 && i%4 == 0 { // a job whose answers are redacted again and again is slowed
			c = a.begin(t, "github")
		}
		for tool, args := range map[string]map[string]any{"github_issues": {}, "github_create_issue": {"title": "x"}, "github_diff": {"number": 1}} {
			args["owner"], args["repo"] = attack, "x"
			r, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
			if err != nil {
				t.Errorf("%s by %s: %v", attack, tool, err)
				continue
			}
			text, _ := json.Marshal(r)
			got[attack+" by "+tool] = append(text, images(r)...)
			if strings.HasPrefix(attack, "redirect-3") && (!r.IsError || !strings.Contains(string(text), "not followed")) {
				t.Errorf("%s by %s: %s", attack, tool, text)
			}
			if strings.HasPrefix(attack, "error-") != r.IsError && (strings.HasPrefix(attack, "error-") || strings.HasPrefix(attack, "echo-") && tool == "github_issues" && attack != "echo-coding-lied" && attack != "echo-utf16") {
				t.Errorf("%s by %s: failed: %t, %.300s", attack, tool, r.IsError, text)
			}
		}
		if strings.HasPrefix(attack, "next-") { // what leads on is in the cursor of a list that is cut
			r, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: "github_issues", Arguments: map[string]any{"owner": attack, "repo": "x", "limit": 1}})
			if text, _ := json.Marshal(r); err != nil || !strings.Contains(string(text), `"more":true`) || !strings.Contains(string(text), `"cursor":`) {
				t.Errorf("%s: %v %s", attack, err, text)
			} else {
				got[attack+" by its cursor"] = text
			}
		}
		if seen := a.Hostile.Seen(attack); seen < 3 && attack != last || seen == 0 {
			t.Errorf("%s was asked for %d times", attack, a.Hostile.Seen(attack))
		}
	}
	tokens := a.Hostile.Tokens()
	if len(tokens) == 0 {
		t.Fatal("the service saw no token: nothing was tried")
	}
	for _, token := range tokens {
		for what, text := range got {
			if form := stolen(text, token); form != "" {
				t.Errorf("%s: the agent has it %s: %.400s", what, form, text)
			}
		}
		a.Canaries(token)
	}
	if arrived := a.Hostile.Arrived(); len(arrived) != 0 {
		t.Errorf("%d requests arrived elsewhere: %q", len(arrived), arrived)
	}
	if log := a.OK("audit", "list", "-o", "json"); stolen([]byte(log), tokens[0]) != "" {
		t.Error("the audit log has it")
	}
}

// images are the bytes of what is no text in a result.
func images(r *mcp.CallToolResult) (out []byte) {
	for _, c := range r.Content {
		switch c := c.(type) {
		case *mcp.ImageContent:
			out = append(out, c.Data...)
		case *mcp.EmbeddedResource:
			out = append(out, c.Resource.Blob...)
		}
	}
	return out
}

// TestAHostileServiceGivesNoKeyToACell has an agent's own curl talk to it: by the
// gateway, which puts the key on where the command had none.
func TestAHostileServiceGivesNoKeyToACell(t *testing.T) {
	t.Parallel()
	a := turned(t, "github")
	key := a.ServiceKey("github")
	if r := a.RunWith(key+"\n", "connections", "create", "github", "--name", "code", "--api-key-file", "-"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	host := strings.TrimPrefix(a.Base("hostile"), "https://")
	var script strings.Builder
	script.WriteString("cd /job/out; env; for a in \"$@\"; do\n" +
		"  echo \"== $a\"; curl -sSiL --max-redirs 3 --max-time 5 --max-filesize 20000000 https://" + host + "/repos/$a/x/issues | head -c 100000 | tee -a all\n" +
		"  curl -sS -L --max-time 5 -H 'Authorization: Bearer own' -X POST -d '{\"a\":1}' https://" + host + "/repos/$a/x/issues | head -c 100000 >> all; done; grep -c . all; exit 0\n")
	a.OK("assignments", "create", "report", "--allow", strings.TrimPrefix(a.Base("elsewhere"), "https://"), "--command", script.String())
	a.OK("assignments", "attach", "report", "code", "--as", "http")
	// A few for each job: one whose answers are redacted again and again is slowed.
	var all strings.Builder
	for some := range slices.Chunk(hostile.Attacks(), 4) {
		r := a.Server.Run(append([]string{"run", "report", "--"}, some...)...)
		if r.Code != 0 {
			t.Errorf("%q: %d %.2000s %.500s", some, r.Code, r.Out, r.Err)
		}
		all.WriteString(r.Out + r.Err)
	}
	if !strings.Contains(all.String(), "== echo-raw") || !strings.Contains(all.String(), "[hotcell:code]") {
		t.Errorf("%.2000s", all.String())
	}
	if form := stolen([]byte(all.String()), key); form != "" {
		t.Errorf("the jobs' log has it %s", form)
	}
	if tokens := a.Hostile.Tokens(); !slices.Contains(tokens, key) || slices.Contains(tokens, "own") {
		t.Errorf("the service was shown %d tokens, not the one that is put on", len(tokens))
	}
	arrived := a.Hostile.Arrived()
	if len(arrived) == 0 {
		t.Error("nothing arrived elsewhere, where the agent may go: nothing was tried")
	}
	for _, one := range arrived {
		if form := stolen([]byte(one), key); form != "" {
			t.Errorf("it arrived elsewhere %s: %q", form, one)
		}
	}
	a.Canaries(key)
}
