// Package config is the server's configuration: one struct, from defaults, a
// file in YAML, the environment (HOTCELL_*) and flags, the later over the
// earlier.
//
// It guards that a misspelt key is an error and not a setting that silently
// stays off. It holds no secret. One way to use it:
//
//	c, err := config.Load(path)
//	err = c.Check()
package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"hotcell"
	"hotcell/internal/catalog/agent"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/text/site"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/egress"
)

// Config is all that an operator can set.
type Config struct {
	// Listen is an address and port: 127.0.0.1:7878. Off loopback it takes TLS.
	Listen string `yaml:"listen"`
	// TLS is by what the open port shows who it is.
	TLS TLS `yaml:"tls"`
	// URL is the address at which people's browsers reach the server, where that is
	// another: behind a proxy that ends TLS. https://hotcell.acme.test.
	URL string `yaml:"url"`
	// Key names the key under which everything is sealed, as docs/keys.md lists them: a
	// local key file, or one of a key service. Empty is local.key in the data folder.
	Key string `yaml:"key"`
	// KeyWarm is for how long what a key service opened serves after it last answered.
	KeyWarm time.Duration `yaml:"key_warm"`
	// Keys say how old the workspace's keys may become.
	Keys   Keys   `yaml:"keys"`
	Egress Egress `yaml:"egress"`
	Vault  Vault  `yaml:"vault"`
	Jobs   Jobs   `yaml:"jobs"`
	// Cells are what cells are made of.
	Cells Cells `yaml:"cells"`
	// Agents are the programs that follow instructions.
	Agents Agents `yaml:"agents"`
	// Connectors are the operator's word on what connections can be made to.
	Connectors Connectors `yaml:"connectors"`
	// Keep says for how long things are kept.
	Keep Keep `yaml:"keep"`
	// Backup says who may open backups, and which are made by themselves.
	Backup Backup `yaml:"backup"`
	// Budget bounds what each job holds of what all jobs share.
	Budget Budget `yaml:"budget"`
	// Models lists the hosts of models; those that everybody knows and that are
	// not declared here to be under zero data retention are refused.
	Models List[egress.Model] `yaml:"models"`
}

// Egress is what cells may reach beyond the public internet.
type Egress struct {
	// AllowPrivate lists addresses, ranges and names, with or without a port,
	// that may be dialled although they are not public.
	AllowPrivate List[string] `yaml:"allow_private"`
	// ExtraCA lists files of certificates that cells trust besides the system's.
	ExtraCA List[string] `yaml:"extra_ca"`
	Hosts   List[Host]   `yaml:"hosts"`
	// Connections, Requests and Bytes bound what one job does on the network:
	// connections at once, requests a second, bytes in all; 0 is the default.
	Connections int  `yaml:"connections"`
	Requests    int  `yaml:"requests_per_second"`
	Bytes       Size `yaml:"bytes"`
}

// Vault is what the vault itself may reach where a stranger names the address: the
// metadata of a remote server leads to its authorisation server. What people name, a
// connection's host or a server's address, is egress's matter.
type Vault struct {
	// AllowPrivate lists addresses, ranges and names as egress.allow_private does. It
	// is a list of its own, and empty.
	AllowPrivate List[string] `yaml:"allow_private"`
	// Issuers are authorisation servers whose endpoints are at more than one origin:
	// further origins by the issuer's, https://accounts.acme.test:
	// [https://tokens.acme.test].
	Issuers map[string]List[string] `yaml:"issuers"`
	// ProofKeys are the origins of authorisation servers that take proof keys (PKCE)
	// and do not say so in their metadata.
	ProofKeys List[string] `yaml:"proof_keys"`
}

// Host is the operator's word on one host.
type Host struct {
	Name string `yaml:"name"`
	// Address is what the name resolves to, whatever any resolver says.
	Address string `yaml:"address"`
	// TCP allows entries of the protocol tcp, which pass unguarded, to this host.
	TCP bool `yaml:"tcp"`
	// Intercept is true without a word; false lets TLS to this host pass untouched,
	// which no guard can look into.
	Intercept *bool `yaml:"intercept"`
	// Unreadable lets requests go to this host that the guard cannot look into although
	// they could hold what is bound elsewhere.
	Unreadable bool `yaml:"unreadable"`
	// Database is how a PostgreSQL database shows who it is, and how a password is
	// shown to it, where that is less than a certificate for its host and SCRAM.
	Database Database `yaml:"database"`
}

// Connectors are the operator's own documents, and where requests go instead.
type Connectors struct {
	// Folder holds documents of the operator's own, *.yaml.
	Folder string `yaml:"folder"`
	// Overrides are addresses by the slug of a connector.
	Overrides map[string]connector.Override `yaml:"overrides"`
}

// maxDocuments bounds the operator's own documents of a kind, in bytes together.
const maxDocuments = 16 << 20

// Documents reads the operator's own documents.
func (c Connectors) Documents() ([]connector.Document, error) {
	return documents(c.Folder, "/connectors/folder")
}

// documents reads the documents of a folder, which a setting names.
func documents(folder, setting string) (out []connector.Document, err error) {
	if folder == "" {
		return nil, nil
	}
	names, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, hotcell.Invalid(setting, "this is no folder")
	}
	if _, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("reading the documents of %s: %w", setting, err)
	}
	size := 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading a document: %w", err)
		}
		if size += len(text); size > maxDocuments {
			return nil, hotcell.Invalid(setting, "the documents have at most %d MiB together", maxDocuments>>20)
		}
		out = append(out, connector.Document{Name: filepath.Base(name), Text: text})
	}
	return out, nil
}

// Cells are what cells see beside the machine's /usr.
type Cells struct {
	// Toolchains is the folder of hotcell toolchains, which all users of the machine can
	// read; /opt/hotcell where the server runs as root, else one of the data folder.
	Toolchains string `yaml:"toolchains"`
	// Images is the folder of hotcell images, which all users of the machine can read;
	// /opt/hotcell-images where the server runs as root, else one of the data folder.
	Images string `yaml:"images"`
	// Mounts are folders of the machine that cells see, to read, as [ParseMount] reads
	// them. What a folder named bin in one of them has is in the PATH.
	Mounts List[string] `yaml:"mounts"`
	// Caches is how much all that jobs keep for later ones may have together.
	Caches Size `yaml:"caches"`
}

// Agents are the operator's own agents.
type Agents struct {
	// Folder holds documents of agents, *.yaml, which may stand in the place of those that
	// come with Hotcell.
	Folder string `yaml:"folder"`
}

// Catalog is all agents.
func (a Agents) Catalog() (*agent.Catalog, error) {
	texts, err := documents(a.Folder, "/agents/folder")
	if err != nil {
		return nil, err
	}
	own := make([]agent.Document, 0, len(texts))
	for _, d := range texts {
		own = append(own, agent.Document{Name: d.Name, Text: d.Text})
	}
	return agent.Load(own...)
}

// Jobs bounds jobs.
type Jobs struct {
	// Concurrency is how many run at once.
	Concurrency int `yaml:"concurrency"`
	// The limits of a job whose assignment has none.
	Timeout time.Duration `yaml:"timeout"`
	Memory  Size          `yaml:"memory"`
	Disk    Size          `yaml:"disk"`
	Pids    int           `yaml:"pids"`
	CPU     float64       `yaml:"cpu"`
	// Agent is the agent, by its name or as a command, of assignments that have
	// instructions and name none.
	Agent string `yaml:"agent"`
}

// Keep bounds, for each workspace, what is kept of jobs that have ended, and of the
// audit log; 0 is for ever, or any size.
type Keep struct {
	LogDays    int `yaml:"log_days"`
	OutputDays int `yaml:"output_days"`
	AuditDays  int `yaml:"audit_days"`
	// Logs, Outputs and Total are sizes: of logs, of outputs, of both together.
	Logs    Size `yaml:"logs"`
	Outputs Size `yaml:"outputs"`
	Total   Size `yaml:"total"`
}

// Days is so many days as a time.
func Days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// Budget is how much one job may hold at once, at its gateway and in the vault
// each, and all jobs together; 0 is the default.
type Budget struct {
	Job Shares `yaml:"job"`
	All Shares `yaml:"all"`
}

// Shares are numbers of things, and Buffered bytes.
type Shares struct {
	Requests    int64 `yaml:"requests"`
	Questions   int64 `yaml:"questions"`
	Connections int64 `yaml:"connections"`
	Unpacking   int64 `yaml:"unpacking"`
	Buffered    Size  `yaml:"buffered"`
}

// Limits are the budget's, over the defaults.
func (b Budget) Limits() budget.Limits {
	limits := budget.Defaults()
	set := func(k budget.Kind, job, all int64) {
		l := limits[k]
		l.Each, l.All = cmp.Or(job, l.Each), cmp.Or(all, l.All)
		limits[k] = l
	}
	set(budget.Requests, b.Job.Requests, b.All.Requests)
	set(budget.Questions, b.Job.Questions, b.All.Questions)
	set(budget.Connections, b.Job.Connections, b.All.Connections)
	set(budget.Unpacking, b.Job.Unpacking, b.All.Unpacking)
	set(budget.Buffered, int64(b.Job.Buffered), int64(b.All.Buffered))
	return limits
}

// checkBudget refuses what would let no job work.
func (c Config) checkBudget() error {
	for kind, l := range c.Budget.Limits() {
		if l.Each < 1 || l.All < 2 || kind == budget.Buffered && (l.Each < 16<<20 || l.All < 32<<20) {
			return hotcell.Invalid("/budget", "a job may have at least 1 of each and 16MiB in memory, all together twice that")
		}
	}
	k := c.Keep
	if k.LogDays < 0 || k.OutputDays < 0 || k.AuditDays < 0 || k.Logs < 0 || k.Outputs < 0 || k.Total < 0 {
		return hotcell.Invalid("/keep", "days and sizes are not below 0")
	}
	return nil
}

// Default is the configuration of who sets nothing.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:7878", KeyWarm: time.Hour,
		Keep:   Keep{LogDays: 90, OutputDays: 90, AuditDays: 400, Logs: 10 << 30, Outputs: 20 << 30},
		Cells:  Cells{Caches: 10 << 30},
		Backup: Backup{Keep: 14},
		Jobs:   Jobs{Concurrency: 8, Timeout: time.Hour, Memory: 1 << 30, Disk: 512 << 20, Pids: 256},
	}
}

// Load reads the file at path over the defaults, and the environment over it.
// An empty path means the first of the candidates that is there, if any.
func Load(path string, getenv func(string) string, candidates ...string) (Config, error) {
	c := Default()
	if path == "" {
		for _, candidate := range candidates {
			if _, err := os.Stat(candidate); err == nil {
				path = candidate
				break
			}
		}
	}
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("reading the configuration: %w", err)
		}
		if err := decode(text, &c); err != nil {
			return c, fmt.Errorf("the configuration %s: %w", path, err)
		}
	}
	if listen := getenv("HOTCELL_LISTEN"); listen != "" {
		c.Listen = listen
	}
	return c, nil
}

func decode(text []byte, c *Config) error {
	defaults := *c
	err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict(), yaml.DisallowUnknownField()).Decode(c)
	if reflect.ValueOf(*c).IsZero() { // a file that says nothing
		*c = defaults
	}
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("%w: %s", hotcell.ErrInvalid, strings.TrimSpace(yaml.FormatError(err, false, true)))
}

// Check holds the configuration against the rules.
func (c Config) Check() error {
	if _, err := c.Private(); err != nil {
		return err
	}
	if _, err := c.Found(); err != nil {
		return err
	}
	if _, err := c.Issuers(); err != nil {
		return err
	}
	if slices.ContainsFunc(c.Vault.ProofKeys, func(text string) bool { return !isOrigin(text) }) {
		return hotcell.Invalid("/vault/proof_keys", "%s", writeOrigins)
	}
	if _, err := c.Pins(); err != nil {
		return err
	}
	if err := c.checkKey(); err != nil {
		return err
	}
	if err := c.Backup.check(); err != nil {
		return err
	}
	if err := c.Cells.check(); err != nil {
		return err
	}
	if err := c.checkURL(); err != nil {
		return err
	}
	if err := c.checkTLS(); err != nil {
		return err
	}
	if err := c.checkBudget(); err != nil {
		return err
	}
	for i, h := range c.Egress.Hosts {
		if _, reason := h.Database.trust(); reason != "" {
			return hotcell.Invalid(fmt.Sprintf("/egress/hosts/%d/database", i), "%s", reason)
		}
	}
	for i, m := range c.Models {
		if _, err := site.ParseBound(m.Host); err != nil {
			return hotcell.Invalid(fmt.Sprintf("/models/%d/host", i), "write a host, or *. and a host, with or without :PORT")
		}
	}
	switch {
	case c.Egress.Connections < 0 || c.Egress.Requests < 0 || c.Egress.Bytes < 0:
		return hotcell.Invalid("/egress", "limits are not below 0")
	case c.Jobs.Concurrency < 1 || c.Jobs.Concurrency > 1024:
		return hotcell.Invalid("/jobs/concurrency", "it is 1 to 1024")
	case c.Jobs.Timeout < time.Second:
		return hotcell.Invalid("/jobs/timeout", "it is at least a second")
	case !(c.Jobs.CPU >= 0 && c.Jobs.CPU <= 1024):
		return hotcell.Invalid("/jobs/cpu", "it is 0, for as many processors as are free, to 1024")
	case c.Jobs.Memory < 16<<20 || c.Jobs.Disk < 1<<20 || c.Jobs.Pids < 1:
		return hotcell.Invalid("/jobs", "memory is at least 16MiB, disk at least 1MiB, pids at least 1")
	}
	return nil
}

// checkURL takes an address without a path, under TLS or on this machine.
func (c Config) checkURL() error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return hotcell.Invalid("/url", "write it like https://hotcell.acme.test, without a path")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return hotcell.Invalid("/url", "browsers reach the server by https, or on this machine")
	}
	return nil
}
