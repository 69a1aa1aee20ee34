package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"hotcell"
	"hotcell/internal/text/site"
	"hotcell/internal/value/sensitive"
)

// Login is a login as it is shown: never a value.
type Login struct {
	hotcell.Credential
	Attachments []AttachedAssignment `json:"attachments,omitempty"`
	// Held says by which key its values are held, where it was shown.
	Held *hotcell.Holding `json:"held,omitempty"`
	// Advice says of a new one that there is a more protected way.
	Advice []Advice `json:"advice,omitempty"`
}

// LoginDraft is a login to be made. The caller clears its values.
type LoginDraft struct {
	// Name may be empty: it is the site and the user name then.
	Name string
	// Site is a URL or a host, as typed.
	Site     string
	Username string
	Shared   bool
	// Password and OTP may be empty, but not both.
	Password, OTP sensitive.Bytes
	// Request is the job's request that this answers; empty for none. Standing
	// attaches it to the job's assignment as well.
	Request  hotcell.RequestID
	Standing bool
	// Into is, of an import, a login that gets the values instead of a new one.
	Into hotcell.CredentialID
}

// LoginChange changes what is given and leaves the rest.
type LoginChange struct {
	Name, Username *string
	Password, OTP  sensitive.Bytes
	// Unset are "password" or "otp".
	Unset []string
	// Start is another address of the page to sign in on. Forget leaves the way in out
	// that there is, Steps are added to it.
	Start  *string
	Forget bool
	Steps  []hotcell.WayStep
}

type loginBody struct {
	Name     string           `json:"name"`
	Site     string           `json:"site"`
	Username string           `json:"username,omitempty"`
	Shared   bool             `json:"shared,omitempty"`
	Sealed   []sealedVariable `json:"sealed"`

	Into hotcell.CredentialID `json:"into,omitempty"`
}

// login seals a login's values for an item.
func (s *sealing) login(of string, password, otp sensitive.Bytes) ([]sealedVariable, error) {
	var out []sealedVariable
	for _, one := range []struct {
		name  string
		value sensitive.Bytes
	}{{hotcell.FieldPassword, password}, {hotcell.FieldOTP, otp}} {
		if one.value.Len() == 0 {
			continue
		}
		message, err := s.seal(hotcell.TierLogin, of, one.name, one.value)
		if err != nil {
			return nil, err
		}
		out = append(out, sealedVariable{one.name, message})
	}
	return out, nil
}

func (s *sealing) body(d LoginDraft) (b loginBody, err error) {
	b = loginBody{Name: d.Name, Site: d.Site, Username: d.Username, Shared: d.Shared, Into: d.Into}
	if d.Into != "" {
		b.Sealed, err = s.login(string(d.Into), d.Password, d.OTP)
		return b, err
	}
	if b.Name == "" {
		at, err := site.Login(d.Site)
		if err != nil {
			return b, err
		}
		at.Username = d.Username
		b.Name = site.NameLogin(at)
	}
	b.Sealed, err = s.login(b.Name, d.Password, d.OTP)
	return b, err
}

// CreateLogin makes a login. Its values leave this process sealed.
func (c *Client) CreateLogin(ctx context.Context, d LoginDraft) (out Login, err error) {
	s, err := c.sealing(ctx)
	if err != nil {
		return out, err
	}
	b, err := s.body(d)
	if err != nil {
		return out, err
	}
	body := struct {
		loginBody
		Request  hotcell.RequestID `json:"request,omitempty"`
		Standing bool              `json:"standing,omitempty"`
	}{b, d.Request, d.Standing}
	return out, c.json(ctx, http.MethodPost, "/v1/logins", nil, "", body, &out)
}

// Imported is what came of an import.
type Imported struct {
	Made []hotcell.Credential `json:"made"`
	// Changed are the logins that got values.
	Changed []hotcell.Credential `json:"changed,omitempty"`
	// There are those that were there already, counted from 0.
	There []int `json:"there,omitempty"`
}

// ImportLogins makes many logins, all or none. With skip, those that are there
// already are left out.
func (c *Client) ImportLogins(ctx context.Context, drafts []LoginDraft, skip bool) (out Imported, err error) {
	body := struct {
		Logins []loginBody `json:"logins"`
		Skip   bool        `json:"skip_existing,omitempty"`
	}{Skip: skip}
	s, err := c.sealing(ctx)
	if err != nil {
		return out, err
	}
	for _, d := range drafts {
		b, err := s.body(d)
		if err != nil {
			return out, err
		}
		body.Logins = append(body.Logins, b)
	}
	return out, c.json(ctx, http.MethodPost, "/v1/logins/import", nil, "", body, &out)
}

// ChangeLogin changes a login that is at the revision; 0 is any.
func (c *Client) ChangeLogin(ctx context.Context, id hotcell.CredentialID, revision int, change LoginChange) (out Login, err error) {
	s, err := c.sealing(ctx)
	if err != nil {
		return out, err
	}
	sealed, err := s.login(string(id), change.Password, change.OTP)
	if err != nil {
		return out, err
	}
	body := struct {
		Name     *string           `json:"name,omitempty"`
		Username *string           `json:"username,omitempty"`
		Sealed   []sealedVariable  `json:"sealed,omitempty"`
		Unset    []string          `json:"unset,omitempty"`
		Start    *string           `json:"start,omitempty"`
		Forget   bool              `json:"forget_way,omitempty"`
		Steps    []hotcell.WayStep `json:"steps,omitempty"`
	}{change.Name, change.Username, sealed, change.Unset, change.Start, change.Forget, change.Steps}
	return out, c.json(ctx, http.MethodPatch, "/v1/logins/"+url.PathEscape(string(id)), nil, ifMatch(revision), body, &out)
}

// Logins lists the logins that the caller may know of; an empty name lists all.
func (c *Client) Logins(ctx context.Context, name string) ([]hotcell.Credential, error) {
	return all[hotcell.Credential](ctx, c, "/v1/logins", named(name))
}

// Login shows a login.
func (c *Client) Login(ctx context.Context, id hotcell.CredentialID) (out Login, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/logins/"+url.PathEscape(string(id)), nil, "", nil, &out)
}

// ShareLogin shares a login with the workspace, or takes it back.
func (c *Client) ShareLogin(ctx context.Context, id hotcell.CredentialID, shared bool) (out Login, err error) {
	verb := "share"
	if !shared {
		verb = "unshare"
	}
	return out, c.json(ctx, http.MethodPost, "/v1/logins/"+url.PathEscape(string(id))+"/"+verb, nil, "", nil, &out)
}

// DeleteLogin deletes a login that is at the revision, 0 is any; with its name, it is
// destroyed at once.
func (c *Client) DeleteLogin(ctx context.Context, id hotcell.CredentialID, revision int, destroy ...string) error {
	return c.json(ctx, http.MethodDelete, "/v1/logins/"+url.PathEscape(string(id)), destroying(destroy), ifMatch(revision), nil, nil)
}

// Frame is what a job's browser shows at a time. Fields for secrets are painted over.
type Frame struct {
	// Picture is a JPEG; empty while nothing may be seen.
	Picture []byte `json:"picture,omitempty"`
	URL     string `json:"url,omitempty"`
	Title   string `json:"title,omitempty"`
	// Tab and Origin say which page it is: a gesture says for which it is meant.
	Tab    string `json:"tab,omitempty"`
	Origin string `json:"origin,omitempty"`
	// Keys is the origin that keys go to, while a person has the browser; empty where
	// they would be refused: then click where you mean to type.
	Keys string `json:"keys,omitempty"`
	// Tabs are all that are open.
	Tabs []struct {
		ID    string `json:"id"`
		URL   string `json:"url,omitempty"`
		Title string `json:"title,omitempty"`
	} `json:"tabs,omitempty"`
	// Dialog is what a dialog says that is open: accept or dismiss it.
	Dialog string `json:"dialog,omitempty"`
	// Held is true while a person has the browser, Closed while a sign-in is under way.
	Held   bool `json:"held,omitempty"`
	Closed bool `json:"closed,omitempty"`
}

// Browser hands over what the browser of the caller's own job shows, frame by
// frame, until ctx ends, the job does, or fn fails.
func (c *Client) Browser(ctx context.Context, id hotcell.JobID, fn func(Frame) error) error {
	answer, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/jobs/" + url.PathEscape(string(id)) + "/browser", header: http.Header{}})
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	for d := json.NewDecoder(answer.Body); ; {
		var frame Frame
		if err := d.Decode(&frame); err != nil {
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("reading the live view: %w", err)
		}
		if err := fn(frame); err != nil {
			return err
		}
	}
}

// Gesture is what a person does in a browser: take it, click, drag, type, press,
// scroll, navigate, go to a tab, accept or dismiss a dialog, give it back.
type Gesture struct {
	Kind string  `json:"kind"`
	X    float64 `json:"x,omitempty"`
	Y    float64 `json:"y,omitempty"`
	// ToX and ToY are where a drag ends, DX and DY how far is scrolled.
	ToX  float64 `json:"to_x,omitempty"`
	ToY  float64 `json:"to_y,omitempty"`
	DX   float64 `json:"dx,omitempty"`
	DY   float64 `json:"dy,omitempty"`
	Text string  `json:"text,omitempty"`
	// Tab and Origin are those of the frame that the person saw: what was meant for
	// another page is refused.
	Tab    string `json:"tab,omitempty"`
	Origin string `json:"origin,omitempty"`
	// Keys is the origin that what is typed is meant for, as the frame said; where it is
	// empty, the page's own or that of the last frame.
	Keys string `json:"keys,omitempty"`
	// Shown lets the agent have what is typed, where it goes into an ordinary field of
	// the page itself that can be seen; everything else that is typed is withheld.
	Shown bool `json:"shown,omitempty"`
}

// Hand does something in the browser of the caller's own job.
func (c *Client) Hand(ctx context.Context, id hotcell.JobID, g Gesture) error {
	return c.json(ctx, http.MethodPost, "/v1/jobs/"+url.PathEscape(string(id))+"/browser", nil, "", g, nil)
}

// LearnWay finds out how a login signs in that is attached to the caller's own job, in
// that job's browser: nothing of it is sent.
func (c *Client) LearnWay(ctx context.Context, id hotcell.JobID, login hotcell.CredentialID) (hotcell.WayStep, error) {
	body := struct {
		Credential hotcell.CredentialID `json:"credential"`
	}{login}
	var out struct {
		Step hotcell.WayStep `json:"step"`
	}
	return out.Step, c.json(ctx, http.MethodPost, "/v1/jobs/"+url.PathEscape(string(id))+"/browser/learn", nil, "", body, &out)
}
