package courier

import (
	"bytes"
	"fmt"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/wire/inject"
)

// Patterns are what is taken out of a service's answers: the values, and their
// parts where auth makes a pair of them. Empty values are left out. The first is
// what goes onto requests: it is [hotcell.ErrDenied] where that cannot be looked
// for, since what the service answered could not be searched for it. Of others,
// people were told.
func Patterns(label guard.Label, auth hotcell.Auth, values ...sensitive.Bytes) (*guard.Patterns, error) {
	builder := guard.NewBuilder().WithParts()
	for i, value := range values {
		err := value.Use(func(b []byte) error {
			if len(b) == 0 {
				return nil
			}
			parts := inject.Auth(auth).Values(b)
			for _, part := range parts {
				if err := builder.Add(label, part); err != nil && i == 0 {
					return fmt.Errorf("%w: the connection's key cannot be taken out of what the service answers: %w", hotcell.ErrDenied, err)
				}
			}
			if len(parts) == 1 && bytes.Equal(parts[0], b) {
				return nil
			}
			// The whole of a pair; of its parts, the user's name is no secret.
			if err := builder.AddWhole(label, b); err != nil && i == 0 {
				return fmt.Errorf("%w: the connection's key cannot be taken out of what the service answers: %w", hotcell.ErrDenied, err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return builder.Build(), nil
}
