package pgwire

import (
	"crypto/rand"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/xdg-go/scram"

	"hotcell"
)

// iterations of the password's hash, as PostgreSQL has them by default.
const iterations = 4096

const mechanism = "SCRAM-SHA-256"

// ErrPassword is a client that does not know the password.
var ErrPassword = fmt.Errorf("%w: password authentication failed", hotcell.ErrDenied)

// authenticate has the client show that it knows the password (RFC 5802, RFC 7677).
func (f *Front) authenticate(password string) error {
	stored, err := storedOf(password)
	if err != nil {
		return err
	}
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return stored, nil })
	if err != nil {
		return fmt.Errorf("authenticating a client of a database: %w", err)
	}
	talk := server.NewConversation()
	if err := f.send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{mechanism}}); err != nil {
		return err
	}
	body, err := f.receive()
	if err != nil {
		return err
	}
	var first pgproto3.SASLInitialResponse
	if err := first.Decode(body); err != nil || first.AuthMechanism != mechanism {
		return errStartup
	}
	answer, err := talk.Step(string(first.Data))
	if err != nil {
		return ErrPassword
	}
	if err := f.send(&pgproto3.AuthenticationSASLContinue{Data: []byte(answer)}); err != nil {
		return err
	}
	if body, err = f.receive(); err != nil {
		return err
	}
	answer, err = talk.Step(string(body))
	if err != nil || !talk.Valid() {
		return ErrPassword
	}
	return f.send(&pgproto3.AuthenticationSASLFinal{Data: []byte(answer)})
}

func storedOf(password string) (scram.StoredCredentials, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	client, err := scram.SHA256.NewClientUnprepped("", password, "")
	if err != nil {
		return scram.StoredCredentials{}, fmt.Errorf("authenticating a client of a database: %w", err)
	}
	stored, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: iterations})
	if err != nil {
		return stored, fmt.Errorf("authenticating a client of a database: %w", err)
	}
	return stored, nil
}
