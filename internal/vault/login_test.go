package vault_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/otp"
	"hotcell/internal/value/parcel"
	"hotcell/internal/wire/wayin"
)

const otpSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// sealedLogin seals the values of a login for item.
func (s *scene) sealedLogin(item string, pairs ...string) (out []vaultrpc.SealedVariable) {
	s.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		message, err := parcel.Seal(s.key, parcel.Context{Workspace: string(s.me.Workspace), Tier: "login", Item: item, Field: pairs[i]}, []byte(pairs[i+1]))
		must(s.t, err)
		out = append(out, vaultrpc.SealedVariable{Name: pairs[i], Message: message})
	}
	return out
}

func (s *scene) login(p hotcell.Principal, site, user string, pairs ...string) hotcell.Credential {
	s.t.Helper()
	name := hotcell.NewID("login")
	out, err := s.control.CreateLogin(s.t.Context(), &vaultrpc.CreateLoginRequest{By: vaultrpc.As(p), Name: name, Site: site, Username: user, Fields: s.sealedLogin(name, pairs...)})
	must(s.t, err)
	return out.Credential
}

// desk is a vault with a site that a job's browser signs in to.
type desk struct {
	*office
	password   string
	credential hotcell.Credential
	on         hotcell.AssignmentID
	job        hotcell.JobID
	use        string
}

func newDesk(t *testing.T, narrowing hotcell.Narrowing) *desk {
	t.Helper()
	d := &desk{office: newOffice(t)}
	d.password = d.plant("pass") + `"&+%äß`
	d.credential = d.login(d.me, "https://example.com/login", "ada", "password", d.password, "otp", otpSecret)
	d.on = d.assignment(d.me, "books")
	at, err := d.control.Attach(t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(d.me), Assignment: d.on, Credential: d.credential.ID, Narrowing: narrowing})
	must(t, err)
	if at.Attachment.As != hotcell.InjectLogin {
		t.Fatalf("it is attached as %s", at.Attachment.As)
	}
	d.job, d.use = d.run(d.me, d.on), string(at.Attachment.ID)
	return d
}

// yes has a person say yes to a way in: that of a request with the stand-ins.
func (d *desk) yes(target, kind, body string) {
	d.t.Helper()
	u, err := url.Parse(target)
	must(d.t, err)
	step, ok := wayin.Learn(wayin.Request{Method: "POST", URL: u, Header: http.Header{"Content-Type": {kind}}, Body: []byte(body), Username: "ada"},
		wayin.Words{Password: []byte(passwordWord), Code: []byte(codeWord)})
	if !ok {
		d.t.Fatalf("nothing can be learned from %s", body)
	}
	_, err = d.control.ChangeLogin(d.t.Context(), &vaultrpc.ChangeLoginRequest{By: vaultrpc.As(d.me), ID: d.credential.ID, Steps: []hotcell.WayStep{step}})
	must(d.t, err)
}

var origin = cellrpc.Origin{Host: "example.com", Port: 443}

const (
	passwordWord = "Hc7_standinstandin01"
	codeWord     = "918273"
)

func (d *desk) arm(password, code string) (string, error) {
	out, err := d.worker.ArmLogin(d.t.Context(), &vaultrpc.ArmLoginRequest{Job: d.job, ArmRequest: cellrpc.ArmRequest{Use: d.use, Origin: origin, Password: password, Code: code}})
	if err != nil {
		return "", err
	}
	return out.ID, nil
}

// send has the vault send what the browser sends.
func (d *desk) send(arm, method, target, kind, body string, headers ...string) (int, http.Header, string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, "https://example.com", strings.NewReader(body))
	must(d.t, err)
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.Header[vaultrpc.HeaderTarget], r.Header[vaultrpc.HeaderJob] = []string{target}, []string{string(d.job)}
	r.Header[vaultrpc.HeaderUse], r.Header[vaultrpc.HeaderArm] = []string{d.use}, []string{arm}
	answer, err := d.worker.Forward(r)
	must(d.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, string(text)
}

const site = "https://example.com:443/session"

func TestALoginIsPutOntoTheOneRequest(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	for _, c := range []struct{ kind, body, want string }{
		{"application/x-www-form-urlencoded", "user=ada&password=" + passwordWord + "&go=1", "user=ada&password=" + url.QueryEscape(d.password) + "&go=1"},
		{"application/json; charset=utf-8", `{"user":"ada","password":"` + passwordWord + `"}`, ""},
		{"multipart/form-data; boundary=xx", "--xx\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\n" + passwordWord + "\r\n--xx--\r\n",
			"--xx\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\n" + d.password + "\r\n--xx--\r\n"},
		{"text/plain", "p=" + passwordWord, "p=" + d.password},
	} {
		d.yes(site, c.kind, c.body)
		id, err := d.arm(passwordWord, "")
		must(t, err)
		d.arrived()
		if status, _, body := d.send(id, "POST", site, c.kind, c.body); status != 200 {
			t.Fatalf("%s: %d %s", c.kind, status, body)
		}
		came := strings.TrimPrefix(d.arrived()[0], "POST example.com/session ")
		if c.want == "" {
			var got struct{ Password string }
			if json.Unmarshal([]byte(came), &got) != nil || got.Password != d.password {
				t.Errorf("%s: the site got %s", c.kind, came)
			}
		} else if came != c.want {
			t.Errorf("%s: the site got\n%s\nwant\n%s", c.kind, came, c.want)
		}
		// The same again holds the stand-in, and nothing is opened for it.
		if status, _, body := d.send(id, "POST", site, c.kind, c.body); status != 403 || len(d.arrived()) > 0 {
			t.Errorf("%s: a second time: %d %s", c.kind, status, body)
		}
		if state, err := d.worker.AwaitArm(t.Context(), &vaultrpc.AwaitArmRequest{Job: d.job, AwaitArmRequest: cellrpc.AwaitArmRequest{ID: id}}); err != nil || !state.Gone || !state.Password || state.Status != 200 {
			t.Errorf("%s: %+v, %v", c.kind, state, err)
		}
	}
	uses := d.events(hotcell.EventFilter{Kind: "login.use"})
	if len(uses) > 0 && uses[0].Reason != "onto POST /session" {
		t.Errorf("where it went is written down as %q", uses[0].Reason)
	}
	if len(uses) != 4 || uses[0].Host != "example.com:443" || uses[0].Credential != d.credential.ID || uses[0].Job != d.job {
		t.Errorf("the log tells of %d uses: %+v", len(uses), uses)
	}
}

func TestWhatTheSiteRepeatsIsTakenOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	var code string
	d.answers(func(w http.ResponseWriter, r *http.Request) {
		form, _ := io.ReadAll(r.Body)
		values, _ := url.ParseQuery(string(form))
		code = values.Get("code")
		w.Header().Set("X-Echo", values.Get("password"))
		w.Header().Set("Set-Cookie", "last="+url.QueryEscape(values.Get("password")))
		w.Header().Set("X-Code", code)
		_, _ = fmt.Fprintf(w, "%s and %s and %q", values.Get("password"), code, form)
	})
	form := "password=" + passwordWord + "&code=" + codeWord + "&n=1" + codeWord
	d.yes(site, "application/x-www-form-urlencoded", form)
	id, err := d.arm(passwordWord, codeWord)
	must(t, err)
	_, header, body := d.send(id, "POST", site, "application/x-www-form-urlencoded", form)
	if len(code) != 6 || code == codeWord {
		t.Fatalf("the site got the code %q", code)
	}
	all := fmt.Sprint(header) + body
	if strings.Contains(all, d.password) || strings.Contains(all, url.QueryEscape(d.password)) || strings.Contains(all, code) {
		t.Errorf("it came back: %s", all)
	}
	if !strings.Contains(body, "1"+codeWord) {
		t.Errorf("a longer number was touched: %s", body)
	}
}

func TestWhereALoginDoesNotGo(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	form := "application/x-www-form-urlencoded"
	d.yes(site, form, "p="+passwordWord)
	arm := func() string {
		id, err := d.arm(passwordWord, "")
		must(t, err)
		return id
	}
	for name, send := range map[string]func(id string) (int, http.Header, string){
		"to another host": func(id string) (int, http.Header, string) {
			return d.send(id, "POST", "https://evil.example.com:443/session", form, "p="+passwordWord)
		},
		"to another port": func(id string) (int, http.Header, string) {
			return d.send(id, "POST", "https://example.com:8443/session", form, "p="+passwordWord)
		},
		"to a parent": func(id string) (int, http.Header, string) {
			return d.send(id, "POST", "https://com:443/session", form, "p="+passwordWord)
		},
		"with a query": func(id string) (int, http.Header, string) {
			return d.send(id, "POST", site+"?p="+passwordWord, form, "p="+passwordWord)
		},
		"by GET": func(id string) (int, http.Header, string) { return d.send(id, "GET", site, form, "p="+passwordWord) },
		"in the URL": func(id string) (int, http.Header, string) {
			return d.send(id, "POST", site+"?p="+passwordWord, form, "p=1")
		},
		"in a header": func(id string) (int, http.Header, string) {
			return d.send(id, "POST", site, form, "p=1", "X-P", passwordWord)
		},
		"packed": func(id string) (int, http.Header, string) {
			return d.send(id, "POST", site, form, "p="+passwordWord, "Content-Encoding", "gzip")
		},
		"without an arm": func(string) (int, http.Header, string) { return d.send("x", "POST", site, form, "p="+passwordWord) },
		"of another stand-in": func(id string) (int, http.Header, string) {
			return d.send(id, "POST", site, form, "p=Hc7_otherotherother")
		},
	} {
		if status, _, body := send(arm()); status != 403 || len(d.arrived()) > 0 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	// In a header beside a body that has it, the stand-in stays what it is.
	if status, _, body := d.send(arm(), "POST", site, form, "p="+passwordWord, "X-P", passwordWord); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if came := d.arrived(); len(came) != 1 || !strings.Contains(came[0], "/session ") {
		t.Errorf("the site got %q", came)
	}
	cancelled := arm()
	if state, err := d.worker.AwaitArm(t.Context(), &vaultrpc.AwaitArmRequest{Job: d.job, AwaitArmRequest: cellrpc.AwaitArmRequest{ID: cancelled, Cancel: true}}); err != nil || !state.Gone {
		t.Errorf("%+v, %v", state, err)
	}
	if status, _, _ := d.send(cancelled, "POST", site, form, "p="+passwordWord); status != 403 {
		t.Error("what was cancelled is put")
	}
	older := arm()
	arm()
	if status, _, _ := d.send(older, "POST", site, form, "p="+passwordWord); status != 403 {
		t.Error("what was armed before is put")
	}
	live := arm()
	d.end(d.job)
	if status, _, _ := d.send(live, "POST", site, form, "p="+passwordWord); status != 403 || len(d.arrived()) > 0 {
		t.Error("after the job's end it is put")
	}
}

func TestAValueGoesToOnePathAndOnePlace(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	form := "application/x-www-form-urlencoded"
	text := "p=" + passwordWord + "&again=" + passwordWord + "&c1=9&c2=1&c3=8&c4=2&c5=7&c6=3"
	d.yes(site+"?next=1", form, text)
	arm := func() string {
		out, err := d.worker.ArmLogin(t.Context(), &vaultrpc.ArmLoginRequest{Job: d.job, ArmRequest: cellrpc.ArmRequest{Use: d.use, Origin: origin, Password: passwordWord, Code: codeWord}})
		must(t, err)
		return out.ID
	}
	id := arm()
	for _, target := range []string{"https://example.com:443/comments", "https://example.com:443/session/", "https://example.com:443/Session", "https://example.com:443/%73ession", "https://example.com:443/session", "https://example.com:443/session;a"} {
		if !strings.Contains(target, "?") && !strings.HasSuffix(target, "/session") {
			target += "?next=1"
		}
		if status, _, body := d.send(id, "POST", target, form, text); status != 403 || len(d.arrived()) > 0 {
			t.Errorf("%s: %d %s", target, status, body)
		}
	}
	status, header, body := d.send(id, "POST", site+"?next=1", form, text)
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	came := d.arrived()[0]
	values, err := url.ParseQuery(came[strings.LastIndex(came, " ")+1:])
	must(t, err)
	code := ""
	for i := range 6 {
		code += values.Get(fmt.Sprintf("c%d", i+1))
	}
	if values.Get("p") != d.password || values.Get("again") != passwordWord || len(code) != 6 || code == codeWord {
		t.Errorf("the site got %s", came)
	}
	packed, err := base64.StdEncoding.DecodeString(header.Get(vaultrpc.HeaderSpent))
	must(t, err)
	var prints guard.Fingerprints
	must(t, prints.UnmarshalBinary(packed))
	if guard.Guardable([]byte(code)) == nil && !guard.Compile(prints).Contains([]byte("the code is "+code)) {
		t.Error("the gateway is not told what to look for")
	}
}

func TestWhoMayArm(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	try := func(change func(*vaultrpc.ArmLoginRequest)) error {
		r := &vaultrpc.ArmLoginRequest{Job: d.job, ArmRequest: cellrpc.ArmRequest{Use: d.use, Origin: origin, Password: passwordWord}}
		change(r)
		_, err := d.worker.ArmLogin(t.Context(), r)
		return err
	}
	other := d.run(d.me, d.assignment(d.me, "other"))
	for name, change := range map[string]func(*vaultrpc.ArmLoginRequest){
		"another job":      func(r *vaultrpc.ArmLoginRequest) { r.Job = other },
		"a sub-domain":     func(r *vaultrpc.ArmLoginRequest) { r.Origin.Host = "www.example.com" },
		"another port":     func(r *vaultrpc.ArmLoginRequest) { r.Origin.Port = 8443 },
		"without TLS":      func(r *vaultrpc.ArmLoginRequest) { r.Origin.Plain = true },
		"a short stand-in": func(r *vaultrpc.ArmLoginRequest) { r.Password = "a" },
		"odd characters":   func(r *vaultrpc.ArmLoginRequest) { r.Password = "aaaaaaaaaaaa&b=" },
		"none":             func(r *vaultrpc.ArmLoginRequest) { r.Password = "" },
	} {
		if err := try(change); err == nil {
			t.Errorf("%s: it is armed", name)
		}
	}
	must(t, try(func(*vaultrpc.ArmLoginRequest) {}))
	if _, err := d.worker.FillLogin(t.Context(), &vaultrpc.FillLoginRequest{Job: d.job, FillRequest: cellrpc.FillRequest{Use: d.use, Origin: origin, PublicKey: make([]byte, 32), Password: true}}); !errors.Is(err, hotcell.ErrDenied) && !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("filled without the attachment's word: %v", err)
	}
}

func TestFillModeSealsToTheBrowsersInit(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{Fill: true})
	pair, err := parcel.Generate()
	must(t, err)
	fill := func(password, code bool) (values cellrpc.LoginValues, err error) {
		out, err := d.worker.FillLogin(t.Context(), &vaultrpc.FillLoginRequest{Job: d.job, FillRequest: cellrpc.FillRequest{
			Use: d.use, Origin: origin, PublicKey: pair.Public().Bytes(), Password: password, Code: code,
			Form: "/login", Action: "/session", Method: "post", PasswordField: "password", CodeFields: []string{"code"},
		}})
		if err != nil {
			return values, err
		}
		plain, err := pair.OpenInfo(vaultrpc.FillInfo(d.job, hotcell.AttachmentID(d.use)), out.Message)
		must(t, err)
		defer plain.Clear()
		return values, plain.Use(func(b []byte) error { return json.Unmarshal(b, &values) })
	}
	if _, err := fill(true, true); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("into a form that nobody said yes to: %v", err)
	}
	_, err = d.control.ChangeLogin(t.Context(), &vaultrpc.ChangeLoginRequest{By: vaultrpc.As(d.me), ID: d.credential.ID, Steps: []hotcell.WayStep{
		{Fill: true, Page: "/login", Path: "/session", Method: "post", Password: "password", Code: []string{"code"}},
	}})
	must(t, err)
	values, err := fill(true, true)
	must(t, err)
	secret, err := otp.Parse([]byte(otpSecret))
	must(t, err)
	code, _ := secret.Code(d.now())
	_ = code.Use(func(b []byte) error {
		if string(values.Password) != d.password || string(values.Code) != string(b) {
			t.Error("these are not the values")
		}
		return nil
	})
	if kinds := d.events(hotcell.EventFilter{Kind: "login.fill"}); len(kinds) != 1 || kinds[0].Credential != d.credential.ID {
		t.Errorf("the log: %+v", kinds)
	}
}

func TestFillAndEvaluateDoNotGoTogether(t *testing.T) {
	t.Parallel()
	s := setup(t)
	attach := func(on hotcell.AssignmentID, host string, narrowing hotcell.Narrowing) error {
		c := s.login(s.me, host, "ada", "password", s.plant(host))
		_, err := s.control.Attach(t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(s.me), Assignment: on, Credential: c.ID, Narrowing: narrowing})
		return err
	}
	fill, evaluate := hotcell.Narrowing{Fill: true}, hotcell.Narrowing{Evaluate: true}
	if err := attach(s.assignment(s.me, "both"), "a.example", hotcell.Narrowing{Fill: true, Evaluate: true}); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("in one: %v", err)
	}
	for name, pair := range map[string][2]hotcell.Narrowing{"fill-first": {fill, evaluate}, "evaluate-first": {evaluate, fill}} {
		on := s.assignment(s.me, name)
		must(t, attach(on, name+"-1.example", pair[0]))
		if err := attach(on, name+"-2.example", pair[1]); !errors.Is(err, hotcell.ErrInvalid) || !strings.Contains(err.Error(), "--fill and --evaluate") {
			t.Errorf("%s: %v", name, err)
		}
		must(t, attach(on, name+"-3.example", pair[0]))
	}
}

func TestLoginsOfASite(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	ask := func(job hotcell.JobID, o cellrpc.Origin) cellrpc.LoginsAnswer {
		out, err := d.worker.Logins(t.Context(), &vaultrpc.LoginsRequest{Job: job, LoginsRequest: cellrpc.LoginsRequest{Origin: o}})
		must(t, err)
		return out.LoginsAnswer
	}
	if got := ask(d.job, origin); len(got.Logins) != 1 || got.Logins[0].Username != "ada" || got.Logins[0].Use != d.use || !got.Logins[0].OTP || got.Logins[0].Digits != 6 {
		t.Errorf("%+v", got)
	}
	for _, o := range []cellrpc.Origin{{Host: "www.example.com", Port: 443}, {Host: "example.com", Port: 444}, {Host: "com", Port: 443}, {Host: "example.com", Port: 443, Plain: true}} {
		if got := ask(d.job, o); len(got.Logins) > 0 {
			t.Errorf("%+v: %+v", o, got)
		}
	}
	if got := ask(d.run(d.me, d.assignment(d.me, "bare")), origin); len(got.Logins) > 0 || !strings.Contains(got.Others, "not attached") {
		t.Errorf("a job without it: %+v", got)
	}
	// Of a personal login of somebody else, nobody is told.
	if got := ask(d.run(d.b, d.assignment(d.b, "theirs")), origin); len(got.Logins) > 0 || !strings.Contains(got.Others, "there is no login") {
		t.Errorf("another's job: %+v", got)
	}
}

func TestALoginRequestIsAnsweredWithALogin(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	ctx := t.Context()
	on := d.assignment(d.me, "asks")
	job := d.run(d.me, on)
	ask := func() hotcell.Request {
		out, err := d.worker.AskLogin(ctx, &vaultrpc.AskLoginRequest{Job: job, AskLogin: cellrpc.AskLogin{Origin: origin, Why: "to read\x00 the invoices"}})
		must(t, err)
		return out.Request
	}
	q := ask()
	if again := ask(); again.ID != q.ID || q.State != hotcell.RequestPending || q.Kind != hotcell.RequestLogin || q.Allow.Host != "example.com" {
		t.Fatalf("%+v and %+v", q, again)
	}
	decide := func(p hotcell.Principal, id hotcell.CredentialID) error {
		_, err := d.control.DecideRequest(ctx, &vaultrpc.DecideRequestRequest{By: vaultrpc.As(p), ID: q.ID, Approve: true, Standing: true, Credential: id})
		return err
	}
	elsewhere := d.login(d.me, "other.example", "ada", "password", d.plant("elsewhere"))
	for name, err := range map[string]error{"none": decide(d.me, ""), "of another site": decide(d.me, elsewhere.ID), "by a member": decide(d.m, d.credential.ID)} {
		if err == nil {
			t.Errorf("%s answers it", name)
		}
	}
	must(t, decide(d.me, d.credential.ID))
	out, err := d.worker.Logins(ctx, &vaultrpc.LoginsRequest{Job: job, LoginsRequest: cellrpc.LoginsRequest{Origin: origin}})
	must(t, err)
	if len(out.Logins) != 1 || out.Logins[0].Username != "ada" {
		t.Errorf("the job has %+v", out)
	}
	shown, err := d.control.Assignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(d.me), ID: on})
	must(t, err)
	if len(shown.Attachments) != 1 || shown.Attachments[0].Attachment.As != hotcell.InjectLogin {
		t.Errorf("the assignment has %+v", shown.Attachments)
	}
}

func TestLoginsComeInAllOrNone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	entry := func(name, where, user string) vaultrpc.CreateLoginRequest {
		return vaultrpc.CreateLoginRequest{Name: name, Site: where, Username: user, Fields: s.sealedLogin(name, "password", s.plant(name))}
	}
	bad := &vaultrpc.ImportLoginsRequest{By: vaultrpc.As(s.me), Logins: []vaultrpc.CreateLoginRequest{entry("one", "a.example", "ada"), entry("two", "*.example", "ada")}}
	if _, err := s.control.ImportLogins(ctx, bad); !errors.Is(err, hotcell.ErrInvalid) || !strings.Contains(err.Error(), "login 2") {
		t.Errorf("%v", err)
	}
	list := func() (names []string) {
		out, err := s.control.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.me), Tier: hotcell.TierLogin})
		must(t, err)
		for _, c := range out.Credentials {
			names = append(names, c.Name+"="+c.Login.Host+"/"+c.Login.Username)
		}
		return names
	}
	if got := list(); len(got) > 0 {
		t.Fatalf("half of it came in: %v", got)
	}
	good := &vaultrpc.ImportLoginsRequest{By: vaultrpc.As(s.me), Logins: []vaultrpc.CreateLoginRequest{entry("one", "a.example", "ada"), entry("one", "b.example", "ada")}}
	made, err := s.control.ImportLogins(ctx, good)
	must(t, err)
	if want := []string{"one 2=b.example/ada", "one=a.example/ada"}; len(made.Made) != 2 || !slices.Equal(slices.Sorted(slices.Values(list())), want) {
		t.Errorf("%v", list())
	}
	more := &vaultrpc.ImportLoginsRequest{By: vaultrpc.As(s.me), Logins: []vaultrpc.CreateLoginRequest{entry("x", "a.example", "ada"), entry("y", "c.example", "")}}
	if _, err := s.control.ImportLogins(ctx, more); !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("one that is there already: %v", err)
	}
	more.Logins = []vaultrpc.CreateLoginRequest{entry("x", "a.example", "ada"), entry("y", "c.example", "")}
	more.Skip = true
	if made, err := s.control.ImportLogins(ctx, more); err != nil || len(made.Made) != 1 || !slices.Equal(made.There, []int{0}) {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestCodesComeIntoLoginsThatHaveNone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	ada := s.login(s.me, "a.example", "ada", "password", s.plant("adas"))
	into := func(p hotcell.Principal, id hotcell.CredentialID, more ...vaultrpc.CreateLoginRequest) (*vaultrpc.ImportLoginsAnswer, error) {
		one := vaultrpc.CreateLoginRequest{Into: id, Fields: s.sealedLogin(string(id), "otp", otpSecret)}
		return s.control.ImportLogins(ctx, &vaultrpc.ImportLoginsRequest{By: vaultrpc.As(p), Logins: append([]vaultrpc.CreateLoginRequest{one}, more...)})
	}
	_, err := into(s.b, ada.ID)
	refused(t, "a colleague", err, hotcell.ErrNotFound, "")
	// With one that cannot be, nothing happens.
	bad := vaultrpc.CreateLoginRequest{Into: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixLogin)), Fields: s.sealedLogin("x", "otp", otpSecret)}
	if _, err = into(s.me, ada.ID, bad); err == nil {
		t.Error("values that were sealed for something else are taken")
	}
	if now := s.show(s.me, ada.ID); now.Login.OTP || now.Version != 1 {
		t.Fatalf("half of it came in: %+v", now)
	}
	out, err := into(s.me, ada.ID)
	must(t, err)
	if now := s.show(s.me, ada.ID); len(out.Changed) != 1 || len(out.Made) != 0 || !now.Login.OTP || !now.Login.Password || now.Version != 2 {
		t.Errorf("%+v, and it is %+v", out, now)
	}
	_, err = into(s.me, ada.ID)
	refused(t, "one that has codes", err, hotcell.ErrConflict, "has that value already")
}

func TestALoginsChanges(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	c := s.login(s.me, "portal.example", "ada", "password", s.plant("first"))
	name := "eve"
	out, err := s.control.ChangeLogin(ctx, &vaultrpc.ChangeLoginRequest{By: vaultrpc.As(s.me), ID: c.ID, Username: &name, Set: s.sealedLogin(string(c.ID), "otp", otpSecret)})
	must(t, err)
	if l := out.Credential.Login; l.Username != "eve" || !l.OTP || !l.Password || out.Credential.Version != 2 {
		t.Errorf("%+v", out.Credential)
	}
	out, err = s.control.ChangeLogin(ctx, &vaultrpc.ChangeLoginRequest{By: vaultrpc.As(s.me), ID: c.ID, Unset: []string{"password"}})
	must(t, err)
	if out.Credential.Login.Password || !out.Credential.Login.OTP {
		t.Errorf("%+v", out.Credential.Login)
	}
	if _, err := s.control.ChangeLogin(ctx, &vaultrpc.ChangeLoginRequest{By: vaultrpc.As(s.me), ID: c.ID, Unset: []string{"otp"}}); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("nothing is left of it: %v", err)
	}
	if _, err := s.control.ChangeLogin(ctx, &vaultrpc.ChangeLoginRequest{By: vaultrpc.As(s.b), ID: c.ID, Username: &name}); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("a colleague changes it: %v", err)
	}
	for _, bad := range []struct{ site, field, value, word string }{
		{"com", "password", "long enough 1", "one host"}, {"https://x.example", "otp", "nonsense!", "base32"}, {"https://x.example", "password", "with\nline", "control"}, {"http://x.example", "password", "long enough 1", "TLS"},
	} {
		_, err := s.control.CreateLogin(ctx, &vaultrpc.CreateLoginRequest{By: vaultrpc.As(s.me), Name: "bad", Site: bad.site, Fields: s.sealedLogin("bad", bad.field, bad.value)})
		if !errors.Is(err, hotcell.ErrInvalid) || !strings.Contains(err.Error(), bad.word) || strings.Contains(err.Error(), bad.value) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
