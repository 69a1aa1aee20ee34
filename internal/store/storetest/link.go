package storetest

import (
	"testing"
	"time"

	"hotcell"
)

func testLinks(t *testing.T, s hotcell.VaultStore) {
	link := func(id hotcell.LinkID, ws hotcell.WorkspaceID, expires time.Time) hotcell.Link {
		return hotcell.Link{ID: id, Workspace: ws, Name: "mail", State: hotcell.LinkWaiting, Expires: expires}
	}
	east := time.FixedZone("", 5*60*60) // a time is a moment, however it is written
	write(t, s, func(w hotcell.VaultWriter) error {
		for _, l := range []hotcell.Link{
			link("lnk_old", here, start.Add(-time.Hour)), link("lnk_east", here, start.Add(-time.Hour).In(east)), link("lnk_new", here, start.Add(time.Hour)),
			link("lnk_west", here, start.Add(time.Hour).In(time.FixedZone("", -9*60*60))), link("lnk_there", there, start.Add(-time.Hour)),
		} {
			if err := w.PutLink(l); err != nil {
				return err
			}
		}
		return w.DropLinks(here, start)
	})
	for id, left := range map[hotcell.LinkID]bool{"lnk_old": false, "lnk_east": false, "lnk_new": true, "lnk_west": true} {
		err := s.View(t.Context(), func(r hotcell.VaultReader) error { _, err := r.Link(here, id); return err })
		if left {
			ok(t, string(id), err)
		} else {
			wantError(t, string(id), err, hotcell.ErrNotFound)
		}
	}
	ok(t, "another workspace's", s.View(t.Context(), func(r hotcell.VaultReader) error { _, err := r.Link(there, "lnk_there"); return err }))
}
