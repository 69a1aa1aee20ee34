//go:build deps

package rule

import (
	_ "github.com/coreos/go-oidc/v3/oidc"
	_ "github.com/emersion/go-message/mail"
	_ "github.com/go-jose/go-jose/v4"
	_ "github.com/google/jsonschema-go/jsonschema"
	_ "github.com/pb33f/libopenapi"
	_ "github.com/wneessen/go-mail"
	_ "github.com/zitadel/oidc/v3/pkg/op"
	_ "golang.org/x/oauth2"
)
