package sqlite_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/store/sqlite"
)

const benchWriters = 64

func benchEvent() hotcell.Event {
	return hotcell.Event{
		Workspace: "wsp_01jd0000000000000000000000", At: time.Now(), Kind: "network.connect", Decision: hotcell.Allowed,
		Member: "mem_01jd0000000000000000000000", Via: "job", Job: hotcell.JobID(hotcell.NewID(hotcell.PrefixJob)),
		Assignment: "asg_01jd0000000000000000000000", Credential: "sec_01jd0000000000000000000000", Version: 3,
		Name: "billing", Host: "api.acme.test:443", Size: 1234, Duration: 17,
	}
}

// spread runs do b.N times on 64 goroutines.
func spread(b *testing.B, do func(writer int) error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	b.ResetTimer()
	for w := range benchWriters {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(w); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func openVault(t testing.TB, path string) *sqlite.Vault {
	t.Helper()
	v, err := sqlite.OpenVault(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

// BenchmarkRecord64 appends durable, chained and indexed events from 64 goroutines.
func BenchmarkRecord64(b *testing.B) {
	v := openVault(b, filepath.Join(b.TempDir(), "vault.db"))
	var jobs [benchWriters]hotcell.Event
	for i := range jobs {
		jobs[i] = benchEvent()
	}
	spread(b, func(w int) error { return v.Record(b.Context(), jobs[w]) })
}

// BenchmarkBareGroupCommit64 is the limit: the same bytes into one table
// without an index or a hash, 64 goroutines sharing syncs.
func BenchmarkBareGroupCommit64(b *testing.B) {
	path := filepath.Join(b.TempDir(), "bare.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, text BLOB)"); err != nil {
		b.Fatal(err)
	}
	insert, err := db.Prepare("INSERT INTO rows (text) VALUES (?)")
	if err != nil {
		b.Fatal(err)
	}
	queue := make(chan chan error, benchWriters)
	text := make([]byte, 420)
	go func() {
		for first := range queue {
			batch := []chan error{first}
			for len(queue) > 0 {
				batch = append(batch, <-queue)
			}
			tx, err := db.Begin()
			for range batch {
				if err == nil {
					_, err = tx.Stmt(insert).Exec(text)
				}
			}
			if err == nil {
				err = tx.Commit()
			}
			for _, waiting := range batch {
				waiting <- err
			}
		}
	}()
	defer close(queue)
	spread(b, func(int) error {
		done := make(chan error, 1)
		queue <- done
		return <-done
	})
}

// BenchmarkViewAndRecord is what a use of a credential asks of the store.
func BenchmarkViewAndRecord(b *testing.B) {
	v := openVault(b, filepath.Join(b.TempDir(), "vault.db"))
	e := benchEvent()
	if err := v.Update(b.Context(), func(w hotcell.VaultWriter) error {
		if err := w.PutGrant(hotcell.Grant{Job: e.Job, Workspace: e.Workspace, State: hotcell.GrantLive}); err != nil {
			return err
		}
		return w.PutCredential(hotcell.Credential{ID: e.Credential, Workspace: e.Workspace, Name: "billing"})
	}); err != nil {
		b.Fatal(err)
	}
	spread(b, func(int) error {
		if err := v.View(b.Context(), func(r hotcell.VaultReader) error {
			if _, err := r.Grant(e.Workspace, e.Job); err != nil {
				return err
			}
			_, err := r.Credential(e.Workspace, e.Credential)
			return err
		}); err != nil {
			return err
		}
		return v.Record(b.Context(), e)
	})
}

// BenchmarkUpdate64 changes a row and records it, from 64 goroutines.
func BenchmarkUpdate64(b *testing.B) {
	v := openVault(b, filepath.Join(b.TempDir(), "vault.db"))
	e := benchEvent()
	spread(b, func(w int) error {
		return v.Update(b.Context(), func(u hotcell.VaultWriter) error {
			if err := u.PutBlob(e.Workspace, strconv.Itoa(w), []byte("sealed")); err != nil {
				return err
			}
			return u.Record(e)
		})
	})
}

// BenchmarkPickUp is the time from the call of CreateJob to the run's first
// line, the queue being empty before.
func BenchmarkPickUp(b *testing.B) {
	c := openControl(b, filepath.Join(b.TempDir(), "control.db"))
	ctx, stop := context.WithCancel(b.Context())
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- c.Work(ctx, 4, func(context.Context, hotcell.JobID) { begun <- struct{}{} })
	}()
	for b.Loop() {
		id := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
		if err := c.CreateJob(ctx, hotcell.Job{ID: id, Workspace: ws, State: hotcell.JobQueued, CreatedAt: time.Now()}); err != nil {
			b.Fatal(err)
		}
		<-begun
	}
	stop()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}
