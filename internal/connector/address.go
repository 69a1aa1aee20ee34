package connector

import (
	"mime"
	netmail "net/mail"
	"strings"

	"github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/mail"
)

// addresses reads a header's text, which may hold several addresses, or a list
// of texts with one address each: a rule on the list's entries then speaks of
// all of them.
func addresses(v any) (out []*mail.Address, err error) {
	switch v := v.(type) {
	case nil:
	case string:
		return parseAddresses(v)
	case []any:
		for _, one := range v {
			s, _ := one.(string)
			list, err := parseAddresses(s)
			if err != nil || len(list) != 1 {
				return nil, errMail
			}
			out = append(out, list[0])
		}
	default:
		return nil, errMail
	}
	return out, nil
}

func addressParser() *netmail.AddressParser {
	return &netmail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charset.Reader}}
}

// parseAddresses reads what RFC 5322 has, and what people's programs write
// instead: names with commas and other characters that should be in quotes.
func parseAddresses(s string) (out []*mail.Address, err error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	list, err := addressParser().ParseList(s)
	if err != nil {
		if list, err = looseAddresses(s); err != nil {
			return nil, err
		}
	}
	for _, a := range list {
		out = append(out, &mail.Address{Name: oneLine(a.Name), Address: a.Address})
	}
	return out, nil
}

// looseAddresses takes a comma for the end of an address only where there is a
// whole one before it, and for a part of the name else.
func looseAddresses(s string) (out []*netmail.Address, err error) {
	piece := ""
	for one := range strings.SplitSeq(s, ",") {
		piece += one
		if a, err := looseAddress(piece); err == nil {
			out, piece = append(out, a), ""
			continue
		}
		piece += ","
	}
	if strings.Trim(piece, " ,") != "" || len(out) == 0 {
		return nil, errMail // better nobody than somebody else
	}
	return out, nil
}

// looseAddress reads `any name <address>`, or an address alone.
func looseAddress(s string) (*netmail.Address, error) {
	s = strings.TrimSpace(s)
	if a, err := addressParser().Parse(s); err == nil {
		return a, nil
	}
	at := strings.LastIndexByte(s, '<')
	if at < 0 || !strings.HasSuffix(s, ">") || strings.ContainsAny(s[:at], "<>") {
		return nil, errMail
	}
	a, err := addressParser().Parse(s[at:])
	if err != nil {
		return nil, errMail
	}
	name := strings.Trim(strings.TrimSpace(s[:at]), `"`)
	if read, err := addressParser().WordDecoder.DecodeHeader(name); err == nil {
		name = read
	}
	a.Name = name
	return a, nil
}
