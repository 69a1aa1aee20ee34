package demo

import (
	"context"
	"fmt"
	"strings"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/drill"
	"hotcell/internal/value/sensitive"
	"hotcell/test/acme"
)

// hidden is work with credentials that the job never has: a key that the vault
// puts on, and a database behind a stand-in.
func (s *show) hidden(ctx context.Context) error {
	s.title("The same work, and the job has neither the key nor the password")
	key, err := s.client.CreateConnection(ctx, client.ConnectionDraft{
		Name: "acme", HTTP: hotcell.HTTPAccess{Host: acme.APIName, Port: s.company.APIPort, Auth: hotcell.Auth{Kind: "bearer"}}, Key: sensitive.New([]byte(s.company.Key)),
	})
	if err != nil {
		return err
	}
	database, err := s.client.CreateSecret(ctx, client.SecretDraft{
		Name: "database", Hosts: []string{fmt.Sprintf("%s:%d", acme.DatabaseName, s.company.DatabasePort)},
		Variables: []client.Variable{{Name: "DATABASE_URL", Value: sensitive.New([]byte(s.company.DatabaseURL()))}},
	})
	if err != nil {
		return err
	}
	made, err := s.client.CreateAssignment(ctx, "hidden", hotcell.Work{
		Command:     `curl -sS "$API/v1/invoices"; echo "password: $(echo "$DATABASE_URL" | sed 's,.*://[^:]*:,,; s,@.*,,')"; psql "$DATABASE_URL" -Atc 'SELECT invoice, cents FROM payments'; curl -sS "$API/echo"`,
		Allow:       []hotcell.Allow{{Host: acme.DatabaseName, Port: s.company.DatabasePort, Protocol: hotcell.ProtocolPostgres}},
		Environment: map[string]string{"API": fmt.Sprintf("https://%s:%d", acme.APIName, s.company.APIPort)},
	})
	if err != nil {
		return err
	}
	if _, err := s.client.Attach(ctx, made.ID, key.ID, hotcell.InjectHTTP); err != nil {
		return err
	}
	if _, err := s.client.Attach(ctx, made.ID, database.ID, hotcell.InjectStandIn); err != nil {
		return err
	}
	log, j, err := s.runOf(ctx, made.ID)
	if err != nil {
		return err
	}
	s.quote(log)
	s.check(j.State == hotcell.JobSucceeded && strings.Contains(log, "INV-2"), "curl without a key: the vault put it on ("+string(j.State)+j.Reason+")")
	s.check(strings.Contains(log, "INV-1|129900"), "psql with a stand-in password: the vault showed the database the real one")
	s.check(strings.Contains(log, "[hotcell:acme]"), "the API repeats the key that it was sent: it is taken out of the answer")
	s.clean("the job's log", log)
	return nil
}

// drill is the catalogue of attacks, against listeners of its own.
func (s *show) drill(ctx context.Context) error {
	s.title("Everything that we know a hostile agent tries: hotcell drill")
	kinds := map[string]int{}
	report, err := drill.Run(ctx, drill.Options{Client: s.client, Told: func(r drill.Result) {
		kind, _, _ := strings.Cut(r.Name, "-")
		if r.Outcome == "nothing" {
			kinds[kind]++
		}
		if r.Outcome == "through" {
			s.leaked++
			s.check(false, r.Tries+": "+r.Detail)
		}
	}})
	if err != nil {
		return err
	}
	for _, k := range []struct{ kind, what string }{
		{"place", "its value in every place of a request"}, {"form", "in every form"}, {"pieces", "in pieces"}, {"packed", "packed"}, {"query", "in addresses"}, {"header", "in headers"},
		{"websocket", "over WebSockets"}, {"client", "by curl, Node and git, over HTTP/2"}, {"host", "to another host inside an allowed connection"}, {"smuggle", "by smuggling"},
		{"name", "as names"}, {"address", "to other addresses"}, {"model", "to a model provider"}, {"cell", "out of the cell itself"}, {"standin", "by stand-ins"}, {"log", "by its log and its files"},
	} {
		s.check(kinds[k.kind] > 0, fmt.Sprintf("%s: %d tried, nothing arrived", k.what, kinds[k.kind]))
	}
	s.check(report.Through == 0 && report.Tried >= 60, fmt.Sprintf("%d attempts, %d got through; %d that no guard can stop are in SECURITY.md, %d skipped", report.Tried, report.Through, report.Documented, report.Skipped))
	return nil
}
