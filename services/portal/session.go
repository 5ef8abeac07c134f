package portal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// cookies are set alike.
type cookies struct{ secure, framed bool }

// Names of cookies; by https: with a prefix, by which the browser makes sure that they
// come from this host, by https:, and go nowhere else.
const (
	sessionCookie = "staffetta_portal"
	loginCookie   = "staffetta_portal_login"
	securePrefix  = "__Host-"
)

func (c cookies) name(name string) string {
	if c.secure {
		return securePrefix + name
	}
	return name
}

// set gives the browser a cookie until a time; an empty value takes it away.
func (c cookies) set(w http.ResponseWriter, name, value string, until time.Time) {
	cookie := &http.Cookie{
		Name: c.name(name), Value: value, Path: "/", Secure: c.secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Expires: until.UTC(),
	}
	if c.framed {
		// In a frame of another site a browser sends no other, and it keeps one for each
		// such site.
		cookie.SameSite, cookie.Partitioned = http.SameSiteNoneMode, true
	}
	if value == "" {
		cookie.MaxAge, cookie.Expires = -1, time.Time{}
	}
	http.SetCookie(w, cookie)
}

// get is the cookie's value; empty if there is none.
func (c cookies) get(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.name(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// newToken has 256 random bits.
func newToken() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// start makes a session in place of the one that the browser has.
func (s *Service) start(w http.ResponseWriter, r *http.Request, session hook.Session, keep func(context.Context, hook.Session) error) error {
	token := newToken()
	session.Hash = sha256.Sum256([]byte(token))
	if latest := s.now().Add(hook.SessionMax); session.ExpiresAt.IsZero() || session.ExpiresAt.After(latest) {
		session.ExpiresAt = latest
	}
	if err := keep(s.origin(r), session); err != nil {
		return err
	}
	if err := s.end(r); err != nil {
		s.log.Warn("a session that another one replaces goes on until it expires", zap.Error(err))
	}
	s.cookies.set(w, sessionCookie, token, session.ExpiresAt)
	return nil
}

// end ends the session of a request, if there is one.
func (s *Service) end(r *http.Request) error {
	token := s.cookies.get(r, sessionCookie)
	if token == "" {
		return nil
	}
	err := s.cfg.Sessions.EndSession(s.origin(r), sha256.Sum256([]byte(token)))
	if errors.Is(err, hook.ErrNotFound) {
		return nil
	}
	return err
}

// visitor is who makes a request, and what they may act for.
type visitor struct {
	session hook.Session
	places  []hook.Membership
	// current is the one of places that the session acts for; nil if that is gone: then
	// another one is to be chosen, rather than that a change meets the wrong account.
	current *hook.Membership
}

// member is any of those that the visitor is: all are of one person.
func (v *visitor) member() hook.Member {
	if v.current != nil {
		return v.current.Member
	}
	return v.places[0].Member
}

// visitor tells whose session a request has. apiauth.ErrUnauthorized without one, or the
// store's.
func (s *Service) visitor(r *http.Request) (*visitor, error) {
	token := s.cookies.get(r, sessionCookie)
	if token == "" {
		return nil, fmt.Errorf("%w: sign in", apiauth.ErrUnauthorized)
	}
	session, places, err := s.cfg.Sessions.Session(r.Context(), sha256.Sum256([]byte(token)))
	if errors.Is(err, hook.ErrNotFound) {
		return nil, fmt.Errorf("%w: the session has ended; sign in", apiauth.ErrUnauthorized)
	}
	if err != nil {
		return nil, err
	}
	v := &visitor{session: session, places: places}
	for i := range places {
		if places[i].Member.Account == session.Account {
			v.current = &places[i]
		}
	}
	return v, nil
}

// principal is who acts: what they may is what the member's role or the API key lets them
// at this moment. apiauth.ErrNoAccount if the account that the session acted for is gone
// for it, and another one is to be chosen first.
func (v *visitor) principal() (apiauth.Principal, error) {
	if v.current == nil {
		return apiauth.Principal{}, fmt.Errorf("%w: choose one", apiauth.ErrNoAccount)
	}
	m := v.current.Member
	p := apiauth.Principal{
		Account: m.Account, Scopes: m.Role.Scopes(),
		Actor: hook.Actor{Kind: hook.ActorMember, ID: m.ID, Name: m.DisplayName()},
	}
	if key := v.current.Key; key != nil {
		p.Scopes, p.Actor = key.Scopes, hook.Actor{Kind: hook.ActorKey, ID: key.ID, Name: key.Name}
	}
	if v.session.Link != "" {
		p.Actor = hook.Actor{Kind: hook.ActorPortal, ID: v.session.Link}
		p.Link = &apiauth.Link{
			ID: v.session.Link, Account: m.Account, Role: m.Role, Language: m.Language, ExpiresAt: v.session.ExpiresAt,
		}
	}
	return p, nil
}

// openLink makes a session of a portal link, and leads away from its URL, which has the
// token.
func (s *Service) openLink(w http.ResponseWriter, r *http.Request) {
	guest, err := s.cfg.Guests.Guest(r.Context(), r.URL.Query().Get("token"))
	if err == nil {
		err = s.start(w, r, hook.Session{
			Account: guest.Account, Link: guest.Link.ID, Role: guest.Link.Role, Language: guest.Link.Language,
			ExpiresAt: guest.Link.ExpiresAt,
		}, s.cfg.Sessions.StartLinkSession)
	}
	switch {
	case err == nil:
		s.kit.Redirect(w, r, "")
	case errors.Is(err, apiauth.ErrLinkExpired):
		s.kit.Tell(w, r, linkExpired)
	case errors.Is(err, apiauth.ErrUnauthorized), errors.Is(err, hook.ErrNotFound): // deleted this moment
		s.kit.Tell(w, r, linkInvalid)
	default:
		s.kit.Fail(w, r, fmt.Errorf("a portal link was not opened: %w", err))
	}
}

// logout ends the session. The browser's cookie goes only when that is done.
func (s *Service) logout(w http.ResponseWriter, r *http.Request, _ *page.Visitor) error {
	if err := s.end(r); err != nil {
		return fmt.Errorf("a session was not ended: %w", err)
	}
	s.cookies.set(w, sessionCookie, "", time.Time{})
	s.kit.Redirect(w, r, "")
	return nil
}

// chooseAccount makes the session act for another account.
func (s *Service) chooseAccount(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	err := s.cfg.Sessions.MoveSession(r.Context(), sha256.Sum256([]byte(v.Secret)), validText(r.PostFormValue("account")))
	if err != nil && !errors.Is(err, hook.ErrNotFound) {
		return fmt.Errorf("an account was not chosen: %w", err)
	}
	s.kit.Redirect(w, r, "") // which shows what there is to choose from
	return nil
}
