// Package account is who somebody is at the company's services.
package account

import "net/http"

// Account is a person, as a service knows them by a token.
type Account struct {
	ID, Name, Mail, Team string
	Scopes               []string
}

// Check finds out whose a request's bearer token is.
type Check func(*http.Request) (Account, bool)
