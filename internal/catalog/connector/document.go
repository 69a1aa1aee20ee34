package connector

import (
	"time"
)

// document is a connector's document, as it is written.
type document struct {
	Slug       string           `yaml:"slug"`
	Name       string           `yaml:"name"`
	Category   string           `yaml:"category"`
	About      string           `yaml:"about"`
	Advise     Advise           `yaml:"advise"`
	Base       string           `yaml:"base"`
	Also       []string         `yaml:"also"`
	Settings   []Setting        `yaml:"settings"`
	Auth       authDocuments    `yaml:"auth"`
	Account    *accountDocument `yaml:"account"`
	Errors     *errorsDocument  `yaml:"errors"`
	Definition string           `yaml:"definition"`
	Model      bool             `yaml:"model"`
	Tools      []toolDocument   `yaml:"tools"`
}

type authDocument struct {
	Kind       Kind              `yaml:"kind"`
	Authorize  string            `yaml:"authorize"`
	Token      string            `yaml:"token"`
	Revoke     revokeDocument    `yaml:"revoke"`
	Device     string            `yaml:"device"`
	Issuer     string            `yaml:"issuer"`
	Iss        *bool             `yaml:"iss"`
	Prefixes   []string          `yaml:"prefixes"`
	Client     string            `yaml:"client"`
	PKCE       *bool             `yaml:"pkce"`
	Scopes     []string          `yaml:"scopes"`
	Separator  string            `yaml:"separator"`
	Parameters map[string]string `yaml:"parameters"`
	Refresh    Refresh           `yaml:"refresh"`
	Expires    time.Duration     `yaml:"expires"`
	Subject    string            `yaml:"subject"`
	Audience   string            `yaml:"audience"`
	Put        putDocument       `yaml:"put"`
	Headers    map[string]string `yaml:"headers"`
	Answer     *answerDocument   `yaml:"answer"`
	Account    *accountDocument  `yaml:"account"`
	Help       string            `yaml:"help"`
}

type putDocument struct {
	Kind   string `yaml:"kind"`
	Name   string `yaml:"name"`
	Prefix string `yaml:"prefix"`
	User   string `yaml:"user"`
}

type answerDocument struct {
	Access  string `yaml:"access"`
	Refresh string `yaml:"refresh"`
	Scope   string `yaml:"scope"`
	Expires string `yaml:"expires"`
	Error   string `yaml:"error"`
}

type accountDocument struct {
	Client  string          `yaml:"client"`
	Request requestDocument `yaml:"request"`
	ID      string          `yaml:"id"`
	Name    string          `yaml:"name"`
}

type errorsDocument struct {
	When    string `yaml:"when"`
	Message string `yaml:"message"`
	Retry   string `yaml:"retry"`
	Wait    string `yaml:"wait"`
	Unknown string `yaml:"unknown"`
}

type toolDocument struct {
	// foreign is true of one that was made of another description.
	foreign    bool
	Name       string           `yaml:"name"`
	Title      string           `yaml:"title"`
	About      string           `yaml:"about"`
	Hint       string           `yaml:"hint"`
	Idempotent bool             `yaml:"idempotent"`
	Approve    bool             `yaml:"approve"`
	Scopes     []string         `yaml:"scopes"`
	Input      map[string]any   `yaml:"input"`
	Output     map[string]any   `yaml:"output"`
	Request    *requestDocument `yaml:"request"`
	Steps      []stepDocument   `yaml:"steps"`
	Errors     *errorsDocument  `yaml:"errors"`
	Pages      *pagesDocument   `yaml:"pages"`
	Result     any              `yaml:"result"`
	Content    *contentDocument `yaml:"content"`
}

type stepDocument struct {
	Name    string          `yaml:"name"`
	When    string          `yaml:"when"`
	Request requestDocument `yaml:"request"`
}

type requestDocument struct {
	Method    string            `yaml:"method"`
	Path      string            `yaml:"path"`
	URL       string            `yaml:"url"`
	Slashes   []string          `yaml:"slashes"`
	Query     any               `yaml:"query"`
	Headers   map[string]string `yaml:"headers"`
	JSON      any               `yaml:"json"`
	Form      map[string]any    `yaml:"form"`
	Multipart []partDocument    `yaml:"multipart"`
	Body      *bodyDocument     `yaml:"body"`
	Auth      *bool             `yaml:"auth"`
}

type partDocument struct {
	Name     string `yaml:"name"`
	Value    string `yaml:"value"`
	Filename string `yaml:"filename"`
	Type     string `yaml:"type"`
	Base64   string `yaml:"base64"`
}

type bodyDocument struct {
	Type   string `yaml:"type"`
	Text   string `yaml:"text"`
	Base64 string `yaml:"base64"`
}

type pagesDocument struct {
	Items string `yaml:"items"`
	Next  string `yaml:"next"`
	Into  struct {
		Query string `yaml:"query"`
		JSON  string `yaml:"json"`
		Form  string `yaml:"form"`
		URL   bool   `yaml:"url"`
	} `yaml:"into"`
	Link  bool   `yaml:"link"`
	Limit string `yaml:"limit"`
}

type contentDocument struct {
	Type   string `yaml:"type"`
	Base64 string `yaml:"base64"`
	Text   string `yaml:"text"`
	Raw    bool   `yaml:"raw"`
	Name   string `yaml:"name"`
}
