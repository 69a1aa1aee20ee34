package courier

import (
	"context"

	"hotcell/internal/catalog/connector"
)

// reads begins to read for a trip: what goes to the reader is without the connection's
// values, and so is what comes back, which may have them in another form.
func (t *trip) reads(ctx context.Context) (connector.Reader, error) {
	by, err := t.Reads(ctx)
	if err != nil {
		return nil, err
	}
	return &cleaned{by, t}, nil
}

type cleaned struct {
	by   connector.Reader
	trip *trip
}

// Parse implements [connector.Reader].
func (c *cleaned) Parse(kind string, text []byte) ([]byte, error) {
	out, err := c.by.Parse(kind, c.trip.clean(text))
	return c.trip.clean(out), err
}

// Close implements [connector.Reader].
func (c *cleaned) Close() { c.by.Close() }
