package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
)

// Identify asks as the client whose an access token is, where a service has no other
// way to say it (RFC 7662): run is what [connector.Connector.Identify] began, and has
// the answer in the end. Nothing of what the service said is in the error.
func (s *Service) Identify(ctx context.Context, c *connector.Connector, run *connector.Run, by Client, token sensitive.Bytes) error {
	return token.Use(func(b []byte) error {
		run.About(string(b), by.ID)
		made, err := run.Next(ctx)
		if err != nil {
			return fmt.Errorf("%w: the request about the token cannot be made", hotcell.ErrUnavailable)
		}
		answer, err := s.own(ctx, &c.Auth, made, run.AsksAs(), by, string(b))
		if err != nil {
			return err
		}
		defer sensitive.Wipe(answer.Body)
		said := struct{ Active *bool }{}
		if json.Unmarshal(answer.Body, &said) == nil && said.Active != nil && !*said.Active {
			return &connector.Failure{Status: http.StatusUnauthorized, Message: "the service does not know the token"}
		}
		if run.Answer(ctx, answer) != nil {
			return &Fault{Kind: Ambiguous, Code: "what does not say whose the token is"}
		}
		return nil
	})
}
