// Package storetest is the suite that every implementation of the stores
// passes: it is what the contracts of the root package mean, written as tests.
//
// It tests what a caller can see. What one database alone can do wrong (a file
// that is cut, a disk that is full, a process that is killed) is tested beside
// that implementation.
//
//	func TestVault(t *testing.T) {
//		storetest.TestVaultStore(t, func(t *testing.T) hotcell.VaultStore { … })
//	}
package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell"
)

// Two workspaces: nothing of one may show in the other.
const (
	here  = hotcell.WorkspaceID("wsp_here")
	there = hotcell.WorkspaceID("wsp_there")
)

// start is a time with all nine digits, which a store must keep.
var start = time.Date(2026, 11, 1, 12, 0, 0, 123456789, time.UTC)

// OpenVault gives an empty store that is closed when the test ends.
type OpenVault func(t *testing.T) hotcell.VaultStore

// TestVaultStore runs all that a [hotcell.VaultStore] must pass.
func TestVaultStore(t *testing.T, open OpenVault) {
	for name, test := range map[string]func(*testing.T, hotcell.VaultStore){
		"Members":             testMembers,
		"People":              testPeople,
		"Bearers":             testBearers,
		"Blobs":               testBlobs,
		"Credentials":         testCredentials,
		"CredentialNames":     testCredentialNames,
		"CredentialPages":     testCredentialPages,
		"Sealed":              testSealed,
		"DeleteCredential":    testDeleteCredential,
		"Bury":                testBury,
		"See":                 testSee,
		"Links":               testLinks,
		"Assignments":         testAssignments,
		"Attachments":         testAttachments,
		"Requests":            testRequests,
		"Grants":              testGrants,
		"EventsKeepAll":       testEventsKeepAll,
		"EventFilters":        testEventFilters,
		"EventRefused":        testEventRefused,
		"NewestVersion":       testNewestVersion,
		"Snapshot":            testSnapshot,
		"ReadYourWrites":      testReadYourWrites,
		"FailedUpdate":        testFailedUpdate,
		"PanickingUpdate":     testPanickingUpdate,
		"Crowd":               testCrowd,
		"Contexts":            testContexts,
		"OwnCopies":           testOwnCopies,
		"VaultClosed":         testVaultClosed,
		"OtherWorkspaceWrite": testOtherWorkspaceWrite,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// OpenControl gives an empty store and its queue, closed when the test ends.
type OpenControl func(t *testing.T) (hotcell.ControlStore, hotcell.Queue)

// TestControlStore runs all that a [hotcell.ControlStore] and its
// [hotcell.Queue] must pass.
func TestControlStore(t *testing.T, open OpenControl) {
	for name, test := range map[string]func(*testing.T, hotcell.ControlStore, hotcell.Queue){
		"Jobs":          testJobs,
		"JobFilters":    testJobFilters,
		"JobPages":      testJobPages,
		"ChangeJob":     testChangeJob,
		"ChangeJobRace": testChangeJobRace,
		"Beats":         testBeats,
		"Log":           testLog,
		"LogRace":       testLogRace,
		"Remember":      testRemember,
		"RememberRace":  testRememberRace,
		"QueueOnce":     testQueueOnce,
		"QueueLimit":    testQueueLimit,
		"QueueEnds":     testQueueEnds,
		"QueueAgain":    testQueueAgain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, queue := open(t)
			test(t, store, queue)
		})
	}
}

// write runs an update that must succeed.
func write(t *testing.T, s hotcell.VaultStore, fn func(w hotcell.VaultWriter) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// read gives what fn reads of a fresh snapshot.
func read[T any](t *testing.T, s hotcell.VaultStore, fn func(r hotcell.VaultReader) (T, error)) (T, error) {
	t.Helper()
	var out T
	err := s.View(t.Context(), func(r hotcell.VaultReader) (err error) {
		out, err = fn(r)
		return err
	})
	return out, err
}

// must is read where nothing may fail.
func must[T any](t *testing.T, s hotcell.VaultStore, fn func(r hotcell.VaultReader) (T, error)) T {
	t.Helper()
	out, err := read(t, s, fn)
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return out
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// names maps items to what tells them apart.
func names[T any, K any](items []T, name func(T) K) []K {
	out := []K{}
	for _, item := range items {
		out = append(out, name(item))
	}
	return out
}
