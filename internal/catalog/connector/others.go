package connector

import (
	"slices"
	"strings"

	"github.com/emersion/go-message/mail"
)

// othersOf are the addresses of a header that are in none of a list of headers, each
// once: who answers all writes neither to themselves nor twice to anybody.
func othersOf(r *reading, args []any) (any, error) {
	s, _ := args[0].(string)
	list, err := r.parseAddresses(s)
	if err != nil {
		return nil, err
	}
	var seen []*mail.Address
	headers, _ := args[1].([]any)
	for _, one := range headers {
		s, _ := one.(string)
		more, err := r.parseAddresses(s)
		if err != nil {
			return nil, err
		}
		seen = append(seen, more...)
	}
	out := []any{}
	for _, a := range list {
		if slices.ContainsFunc(seen, func(s *mail.Address) bool { return strings.EqualFold(s.Address, a.Address) }) {
			continue
		}
		seen = append(seen, a)
		out = append(out, a.String())
	}
	return out, nil
}
