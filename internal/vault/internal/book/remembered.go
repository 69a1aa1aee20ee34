package book

import (
	"context"
	"fmt"

	"hotcell"
	"hotcell/internal/catalog/connector"
)

// Unread is told where a connection's definition would have to be read first:
// [Book.Of] does.
type Unread struct{ Credential hotcell.Credential }

func (u *Unread) Error() string {
	return fmt.Sprintf("what %q offers was not read yet", u.Credential.Name)
}

// Remembered is [Book.Of] without a look at the store, for use within a change
// of it; an [*Unread] where that cannot be told.
func (b *Book) Remembered(c hotcell.Credential) (*connector.Connector, error) {
	if c.Connected != nil {
		if found, ok := b.catalog.Find(c.Connected.Connector); ok && found.Definition != "" {
			b.mu.Lock()
			defer b.mu.Unlock()
			if made := b.made[page{c.ID, c.Version, c.Name}]; made != nil {
				return made, nil
			}
			return nil, &Unread{c}
		}
	}
	return b.Of(context.Background(), c.Workspace, c) // reads nothing here
}
