package vault_test

import (
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// flip changes one bit of a blob behind the vault's back.
func (s *scene) flip(table, where string, at int, args ...any) {
	s.t.Helper()
	var blob []byte
	s.row([]any{&blob}, "SELECT blob FROM "+table+" WHERE "+where, args...)
	if at < 0 {
		at += len(blob)
	}
	blob[at] ^= 1
	s.sql("UPDATE "+table+" SET blob = ? WHERE "+where, append([]any{blob}, args...)...)
}

// tampering is what somebody does who can write the vault's file. The secret
// one is attached and at version 2, with 1 kept for a job; two is like it.
var tampering = map[string]func(s *scene, one, two string){
	"two values of a secret swapped": func(s *scene, one, _ string) {
		s.sql(`UPDATE sealed_fields AS f SET blob = (SELECT blob FROM sealed_fields o WHERE o.credential = f.credential
			AND o.version = f.version AND o.name <> f.name) WHERE credential = ?`, one)
	},
	"the value of another secret": func(s *scene, one, two string) {
		s.sql("UPDATE sealed_fields SET blob = (SELECT blob FROM sealed_fields WHERE credential = ? AND name = 'A') WHERE credential = ? AND name = 'A'", two, one)
	},
	"the key of another secret": func(s *scene, one, two string) {
		s.sql("UPDATE sealed_keys SET blob = (SELECT blob FROM sealed_keys WHERE credential = ?) WHERE credential = ?", two, one)
	},
	"key and values of another secret": func(s *scene, one, two string) {
		s.sql("UPDATE sealed_keys SET blob = (SELECT blob FROM sealed_keys WHERE credential = ?) WHERE credential = ?", two, one)
		s.sql(`UPDATE sealed_fields AS f SET blob = (SELECT blob FROM sealed_fields o WHERE o.credential = ? AND o.name = f.name) WHERE credential = ?`, two, one)
	},
	"a bit of a value": func(s *scene, one, _ string) {
		s.flip("sealed_fields", "credential = ? AND version = 2 AND name = 'B'", -1, one)
	},
	"the first bit of a value": func(s *scene, one, _ string) {
		s.flip("sealed_fields", "credential = ? AND version = 2 AND name = 'B'", 0, one)
	},
	"a bit of a key": func(s *scene, one, _ string) {
		s.flip("sealed_keys", "credential = ? AND version = 2", -1, one)
	},
	"a value of no bytes": func(s *scene, one, _ string) {
		s.sql("UPDATE sealed_fields SET blob = x'' WHERE credential = ? AND version = 2 AND name = 'A'", one)
	},
	"a key of no bytes": func(s *scene, one, _ string) {
		s.sql("UPDATE sealed_keys SET blob = x'' WHERE credential = ? AND version = 2", one)
	},
	"a value renamed": func(s *scene, one, _ string) {
		s.sql("UPDATE sealed_fields SET name = 'C' WHERE credential = ? AND version = 2 AND name = 'A'", one)
	},
	"a value missing": func(s *scene, one, _ string) {
		s.sql("DELETE FROM sealed_fields WHERE credential = ? AND version = 2 AND name = 'A'", one)
	},
	"all values missing": func(s *scene, one, _ string) {
		s.sql("DELETE FROM sealed_fields WHERE credential = ? AND version = 2", one)
	},
	"the key missing": func(s *scene, one, _ string) {
		s.sql("DELETE FROM sealed_keys WHERE credential = ? AND version = 2", one)
	},
	"an older value put back": func(s *scene, one, _ string) {
		s.sql("UPDATE sealed_fields SET blob = (SELECT blob FROM sealed_fields WHERE credential = ?1 AND version = 1 AND name = 'A') WHERE credential = ?1 AND name = 'A'", one)
	},
	"an older version's bytes put back": func(s *scene, one, _ string) {
		s.sql("DELETE FROM sealed_keys WHERE credential = ? AND version = 2", one)
		s.sql("DELETE FROM sealed_fields WHERE credential = ? AND version = 2", one)
		s.sql("UPDATE sealed_keys SET version = 2 WHERE credential = ?", one)
		s.sql("UPDATE sealed_fields SET version = 2 WHERE credential = ?", one)
	},
	"the row put back to an older version": func(s *scene, one, _ string) {
		s.sql("UPDATE credentials SET document = json_set(document, '$.version', 1) WHERE id = ?", one)
	},
	"the row put ahead": func(s *scene, one, _ string) {
		s.sql("UPDATE credentials SET document = json_set(document, '$.version', 3) WHERE id = ?", one)
	},
	"the index of newest versions emptied": func(s *scene, _, _ string) {
		s.sql("DELETE FROM versions")
	},
}

func TestWhatWasTamperedWithIsRefusedAndRecorded(t *testing.T) {
	t.Parallel()
	for what, tamper := range tampering {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			one := s.secret(s.me, "one", "A", s.plant("1a"), "B", s.plant("1b"))
			two := s.secret(s.me, "two", "A", s.plant("2a"), "B", s.plant("2b"))
			on := s.assignment(s.me, "report", one.ID)
			s.run(s.me, on) // keeps version 1
			_, err := s.set(s.me, one.ID, 0, "A", s.plant("1a again"))
			must(t, err)
			must(t, s.begin(s.job(s.me, on)))
			tamper(s, string(one.ID), string(two.ID))
			job := s.job(s.me, on)
			if err = s.begin(job); err == nil {
				_, err = s.lease(job)
			}
			refused(t, "its use", err, hotcell.ErrTampered, "one")
			before := len(s.refusals())
			if before == 0 || !strings.Contains(s.refusals()[before-1], `one"`) {
				t.Errorf("the log does not tell of it: %v", s.refusals())
			}
			_, err = s.set(s.me, one.ID, 0, "B", s.plant("new"))
			refused(t, "a change of one value", err, hotcell.ErrTampered, "one")
			if after := s.refusals(); len(after) != before+1 || !strings.HasPrefix(after[before], "secret.change: ") {
				t.Errorf("the log does not tell of the change: %v", after)
			}
			must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: one.ID}))
		})
	}
}

func TestALiveJobsLeaseIsTamperedWith(t *testing.T) {
	t.Parallel()
	for what, update := range map[string]string{
		"a version that never was": "UPDATE grants SET document = json_set(document, '$.uses[0].version', 9)",
		"no version":               "UPDATE grants SET document = json_set(document, '$.uses[0].version', 0)",
		"a bit less than one":      "UPDATE grants SET document = json_set(document, '$.uses[0].version', -1)",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			job := s.run(s.me, s.assignment(s.me, "report", s.secret(s.me, "one", "A", s.plant("a")).ID))
			s.sql(update)
			_, err := s.lease(job)
			refused(t, "its lease", err, hotcell.ErrTampered, "the grant holds version")
			if r := s.refusals(); len(r) != 1 || !strings.HasPrefix(r[0], "secret.lease: ") {
				t.Errorf("recorded: %v", r)
			}
		})
	}
}

// A vault that is started anew must not take what is in the file on trust.
func TestTamperingWhileTheVaultIsDown(t *testing.T) {
	t.Parallel()
	s := setup(t)
	one := s.secret(s.me, "one", "A", s.plant("1"))
	on := s.assignment(s.me, "report", one.ID)
	s.run(s.me, on)
	_, err := s.set(s.me, one.ID, 0, "A", s.plant("2"))
	must(t, err)
	s.stop()
	s.sql("UPDATE credentials SET document = json_set(document, '$.version', 1) WHERE id = ?", string(one.ID))
	s.start()
	refused(t, "the start", s.begin(s.job(s.me, on)), hotcell.ErrTampered, "at version 1, and the audit log tells of version 2")
	s.stop()
	s.flip("blobs", "label = 'sealing key pair'", -1)
	s.fails("opening the sealing key pair")
	s.flip("blobs", "label = 'sealing key pair'", -1)
	s.flip("blobs", "label = 'keyset'", -1)
	s.fails("does not open what is stored here")
	s.flip("blobs", "label = 'keyset'", -1)
	s.start()
	must(t, s.begin(s.job(s.me, s.assignment(s.me, "bare"))))
}
