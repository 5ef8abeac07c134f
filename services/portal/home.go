package portal

import (
	"embed"
	"errors"
	"net/http"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/services/portal/page"
)

//go:embed *.html
var templates embed.FS

// homePage is what the first page shows to who has no account yet.
type homePage struct {
	// SignIn is where one signs in; empty: nowhere.
	SignIn string
	// KeyFault says why an API key was not taken; empty: none was sent.
	KeyFault string
}

// showHome leads who acts for an account to its webhooks, and shows others what there is
// to do.
func (s *Service) showHome(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("token") {
		s.acting(s.openLink)(w, r)
		return
	}
	v, err := s.pageVisitor(r)
	switch {
	case errors.Is(err, apiauth.ErrUnauthorized):
		s.show(w, r, nil, s.home, homePage{SignIn: s.signIn()})
	case err != nil:
		s.kit.Fail(w, r, err)
	case v.Account == "":
		s.show(w, r, v, s.session, nil)
	default:
		s.kit.Redirect(w, r, firstPage)
	}
}

// showSession shows who is signed in, and which accounts they may act for.
func (s *Service) showSession(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.kit.Show(w, r, v, s.session, nil)
}

func (s *Service) show(w http.ResponseWriter, r *http.Request, v *page.Visitor, t *page.Template, content any) {
	if err := s.kit.Show(w, r, v, t, content); err != nil {
		s.kit.Fail(w, r, err)
	}
}

// signIn is where members sign in. It is an absolute URL: what the browser is given
// there has to be there when the provider sends it back to PublicURL.
func (s *Service) signIn() string {
	if s.provider == nil {
		return ""
	}
	return s.cfg.PublicURL + "/portal/login"
}

// pageVisitor is a visitor as pages see them.
func (s *Service) pageVisitor(r *http.Request) (*page.Visitor, error) {
	v, err := s.visitor(r)
	if err != nil {
		return nil, err
	}
	m := v.member()
	seen := &page.Visitor{
		Name: m.Name, Email: m.Email, Language: m.Language, Until: v.session.ExpiresAt, Secret: s.cookies.get(r, sessionCookie),
	}
	if v.current != nil {
		if seen.Principal, err = v.principal(); err != nil {
			return nil, err
		}
		seen.Account, seen.AccountName, seen.Role = m.Account, v.current.AccountName, m.Role
		if v.current.Key != nil {
			seen.KeyName = v.current.Key.Name
		}
	}
	for i := range v.places {
		p := &v.places[i]
		seen.Accounts = append(seen.Accounts, page.Account{
			ID: p.Member.Account, Name: p.AccountName, Role: p.Member.Role, Current: p == v.current,
		})
	}
	return seen, nil
}
