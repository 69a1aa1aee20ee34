// Package demo shows the product doing its main job, on this machine and in a
// minute: a real report by a real job against real servers, and then the same
// job as a hostile one.
//
// It is an end-to-end test that people watch: each line that it prints with a
// mark is a check, and it fails where one does. One way to use it:
//
//	err := demo.Run(ctx, demo.Options{Binary: "bin/hotcell", Out: os.Stdout})
package demo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/value/sensitive"
	"hotcell/test/acme"
)

// Options say how to show it.
type Options struct {
	// Binary is the product's program.
	Binary string
	Out    io.Writer
	// Keep leaves the folder when it is over.
	Keep bool
}

//go:embed files
var files embed.FS

// show is one demonstration under way.
type show struct {
	Options
	dir     string
	company *acme.Company
	client  *client.Client
	// port is where the server listens.
	port   string
	checks int
	failed int
	leaked int
	// plain is true when it was said that there is no browser for links.
	plain bool
}

// Run shows everything. It fails where a check does.
func Run(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "hotcell-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	if !o.Keep {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	s := &show{Options: o, dir: dir}
	if err := s.all(ctx); err != nil {
		return err
	}
	if o.Keep {
		s.say("the folder is kept: %s", dir)
	}
	s.say("demo: %d checks passed, %d leaked", s.checks-s.failed, s.leaked)
	if s.failed > 0 {
		return fmt.Errorf("%d of %d checks failed", s.failed, s.checks)
	}
	return nil
}

func (s *show) all(ctx context.Context) (err error) {
	s.title("A company, on this machine's loopback")
	if s.company, err = acme.Start(s.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.company.Close()) }()
	if err := s.company.StartDatabase(ctx); err != nil {
		return err
	}
	s.say("  https://%s:%d wants a key, postgresql://%s:%d wants a password", acme.APIName, s.company.APIPort, acme.DatabaseName, s.company.DatabasePort)
	s.title("Hotcell: hotcell serve")
	stop, err := s.serve(ctx)
	if err != nil {
		return err
	}
	defer stop()
	for _, part := range []func(context.Context) error{s.set, s.report, s.attack, s.hidden, s.accounts, s.website, s.drill, s.revoke, s.trail} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	stop()
	return s.residue()
}

func (s *show) data() string { return filepath.Join(s.dir, "data") }

// serve starts the server as people do, and waits for its word.
func (s *show) serve(ctx context.Context) (stop func(), err error) {
	settings := s.company.Configuration()
	file := filepath.Join(s.dir, "hotcell.yaml")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	log, err := os.Create(filepath.Join(s.dir, "serve.log"))
	if err != nil {
		return nil, fmt.Errorf("making the server's log: %w", err)
	}
	cmd := exec.CommandContext(ctx, s.Binary, "serve", "--data", s.data(), "--config", file, "--listen", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	var stopped bool
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			<-ended
		}
	}
	for range 300 {
		text, _ := os.ReadFile(log.Name())
		if _, ready, found := strings.Cut(string(text), "\nready on http://"); found {
			address, _, _ := strings.Cut(ready, " ")
			_, s.port, _ = strings.Cut(address, ":")
			s.client = client.New(client.Options{Socket: filepath.Join(s.data(), "hotcell.sock"), Pin: client.PinFile(filepath.Join(s.dir, "pins.json"))})
			return stop, nil
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("the server does not start:\n%s", text)
		case <-time.After(100 * time.Millisecond):
		}
	}
	stop()
	return nil, errors.New("the server does not become ready")
}

// set makes what a person would make.
func (s *show) set(ctx context.Context) error {
	s.title("A person: a .env file, an assignment")
	values := map[string]string{"API_KEY": s.company.Key, "DATABASE_URL": s.company.DatabaseURL(), "DB_PASSWORD": s.company.Password}
	var variables []client.Variable
	for name, value := range values {
		variables = append(variables, client.Variable{Name: name, Value: sensitive.New([]byte(value))})
	}
	secret, err := s.client.CreateSecret(ctx, client.SecretDraft{Name: "billing", Variables: variables})
	if err != nil {
		return err
	}
	s.check(len(secret.Variables) == 3, "the secret billing is kept: its values went to the vault sealed, and nothing shows them again")
	shown, err := s.client.Secret(ctx, secret.ID)
	if err != nil {
		return err
	}
	s.clean("what the server shows of it", fmt.Sprintf("%+v", shown))
	archive, err := s.archive()
	if err != nil {
		return err
	}
	folder, err := s.client.PutFiles(ctx, archive)
	if err != nil {
		return err
	}
	made, err := s.client.CreateAssignment(ctx, "report", hotcell.Work{
		Command: "sh ./run.sh", Files: &folder,
		Allow: []hotcell.Allow{
			{Host: acme.APIName, Port: s.company.APIPort, Protocol: hotcell.ProtocolHTTPS},
			{Host: acme.DatabaseName, Port: s.company.DatabasePort, Protocol: hotcell.ProtocolPostgres},
		},
		Environment: map[string]string{"API": fmt.Sprintf("https://%s:%d", acme.APIName, s.company.APIPort)},
	})
	if err != nil {
		return err
	}
	_, err = s.client.Attach(ctx, made.ID, secret.ID, hotcell.InjectEnvironment)
	s.check(err == nil, "the assignment report may reach the API and the database, and nothing else; billing is attached")
	return err
}
