package connection

import (
	"context"
	"errors"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// maxWaiting bounds how many codes wait for people at once.
const maxWaiting = 1000

// waiting is a code that a person types in at the service (RFC 8628).
type waiting struct {
	device *oauth.Device
	// next is when the service may be asked again, and asking is true while it is.
	next   time.Time
	asking bool
}

// startDevice begins an authorisation by a code.
func (s *Service) startDevice(ctx context.Context, l hotcell.Link, c *connector.Connector) (*vaultrpc.CreateLinkAnswer, error) {
	client, err := s.client(ctx, l)
	if err != nil {
		return nil, s.fail(ctx, l, err)
	}
	defer client.Secret.Clear()
	device, err := s.OAuth.StartDevice(ctx, &c.Auth, client, l.Scopes)
	if err != nil {
		return nil, s.fail(ctx, l, err)
	}
	if err := s.await(ctx, &l, client.ID, device); err != nil {
		device.Code.Clear()
		return nil, s.fail(ctx, l, err)
	}
	return &vaultrpc.CreateLinkAnswer{Link: shown(l, s.Now()), Device: &vaultrpc.Device{Code: device.User, URL: device.URL}}, nil
}

// await remembers a code. The link is open from now on, without a browser.
func (s *Service) await(ctx context.Context, l *hotcell.Link, client string, device *oauth.Device) error {
	s.mu.Lock()
	s.forget()
	full := len(s.devices) >= maxWaiting
	if !full {
		s.devices[l.ID] = &waiting{device: device, next: s.Now().Add(device.Interval)}
	}
	s.mu.Unlock()
	if full {
		return hotcell.ErrRateLimited
	}
	l.State, l.Client = hotcell.LinkOpened, client
	if device.Expires.Before(l.Expires) {
		l.Expires = device.Expires
	}
	opened := *l
	return s.Vault.Change(ctx, door.OfLink(opened), hotcell.Event{Kind: "link.open", Name: opened.Name, Credential: opened.Renews}, func(a *door.Act) error {
		if _, err := s.permit(a, &opened); err != nil {
			return err
		}
		return a.PutLink(opened)
	})
}

// forget drops the codes that are over.
func (s *Service) forget() {
	now := s.Now()
	for id, w := range s.devices {
		if !w.asking && w.device.Expires.Before(now) {
			w.device.Code.Clear()
			delete(s.devices, id)
		}
	}
}

// pollDevice asks the service whether the person has decided, as often as it may
// be asked, and makes the connection once they have.
func (s *Service) pollDevice(ctx context.Context, l hotcell.Link) (hotcell.Link, error) {
	w := s.turn(l)
	if w == nil {
		return l, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	tokens, c, err := s.poll(ctx, l, w)
	if fault, ok := errors.AsType[*oauth.Fault](err); ok && (fault.Kind == oauth.Waiting || fault.Kind == oauth.Unavailable || fault.Kind == oauth.Ambiguous) {
		s.mu.Lock()
		if fault.Code == "slow_down" {
			w.device.Interval += 5 * time.Second
		}
		w.asking, w.next = false, s.Now().Add(max(w.device.Interval, fault.After))
		s.mu.Unlock()
		return l, nil
	}
	s.mu.Lock()
	delete(s.devices, l.ID)
	s.mu.Unlock()
	w.device.Code.Clear()
	if err == nil {
		defer tokens.Clear()
		_, err = s.settle(ctx, returned{l, c}, tokens)
	} else {
		err = s.fail(ctx, l, err)
	}
	if err != nil && !errors.Is(err, hotcell.ErrDenied) {
		return l, err
	}
	return s.Vault.Link(ctx, l.ID) // it says what came of it
}

func (s *Service) poll(ctx context.Context, l hotcell.Link, w *waiting) (*oauth.Tokens, *connector.Connector, error) {
	c, err := s.connector(l)
	if err != nil {
		return nil, nil, err
	}
	client, err := s.client(ctx, l)
	if err != nil {
		return nil, nil, err
	}
	defer client.Secret.Clear()
	tokens, err := s.OAuth.PollDevice(ctx, &c.Auth, client, w.device.Code)
	return tokens, c, err
}

// turn is the code of a link that is to be asked about now, by this caller alone.
func (s *Service) turn(l hotcell.Link) *waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.devices[l.ID]
	if w == nil || w.asking || l.State != hotcell.LinkOpened || s.Now().Before(w.next) || !s.Now().Before(l.Expires) {
		return nil
	}
	w.asking = true
	return w
}
