package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/text/language"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

//go:embed templates
var templates embed.FS

//go:embed assets
var assets embed.FS

// pages are those of one language.
type pages struct{ home, notifications, notice *template.Template }

// parsePages parses them for a portal at a path, in every language.
func parsePages(home string) (map[hook.Language]*pages, error) {
	all := map[hook.Language]*pages{}
	for lang, words := range texts {
		parse := func(name string) (*template.Template, error) {
			t := template.New("layout.html").Option("missingkey=error").Funcs(template.FuncMap{
				"path": func(under string) string { return home + under },
				"root": func(under string) string { return strings.TrimSuffix(home, "portal/") + under },
				"lang": func() string { return string(lang) },
				"say": func(key string) (string, error) {
					text, ok := words[key]
					if !ok {
						return "", fmt.Errorf("no text %q in %q", key, lang)
					}
					return text, nil
				},
				"instant": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
				"clock":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
			})
			return t.ParseFS(templates, "templates/layout.html", "templates/"+name)
		}
		page := &pages{}
		var errHome, errNotifications, errNotice error
		page.home, errHome = parse("home.html")
		page.notifications, errNotifications = parse("notifications.html")
		page.notice, errNotice = parse("notice.html")
		if err := errors.Join(errHome, errNotifications, errNotice); err != nil {
			return nil, fmt.Errorf("portal: templates: %w", err)
		}
		all[lang] = page
	}
	return all, nil
}

// languages are those that there are texts in, in the order of hook.Languages, of which
// the first is for those who read none.
var languages = language.NewMatcher([]language.Tag{language.English, language.Italian})

// speaks is the language of a browser.
func speaks(r *http.Request) hook.Language {
	_, at := language.MatchStrings(languages, r.Header.Get("Accept-Language"))
	return []hook.Language{hook.English, hook.Italian}[at]
}

// show writes a page.
func (s *Service) show(w http.ResponseWriter, status int, page *template.Template, data any) {
	var body bytes.Buffer
	if err := page.Execute(&body, data); err != nil {
		s.log.Error("a page of the portal cannot be made", zap.Error(err))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // the connection is the browser's
}

// homePage is what the first page shows.
type homePage struct {
	// SignIn is where one signs in; empty: nowhere.
	SignIn string
	// Visitor is nil for who is not signed in.
	Visitor *homeVisitor
}

type homeVisitor struct {
	// Name and Email are empty for who came by a portal link.
	Name, Email string
	// Account and AccountName are empty if one is to be chosen.
	Account, AccountName string
	Role                 hook.Role
	// Settings says whether they have access to settings.
	Settings bool
	Until    time.Time
	Accounts []homeAccount
}

type homeAccount struct {
	ID, Name string
	Role     hook.Role
	Current  bool
}

// showHome shows who is signed in, or what there is to do.
func (s *Service) showHome(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("token") {
		s.acting(s.openLink)(w, r)
		return
	}
	v, err := s.visitor(r)
	switch {
	case errors.Is(err, apiauth.ErrUnauthorized):
		s.show(w, http.StatusOK, s.pages[speaks(r)].home, homePage{SignIn: s.signIn()})
	case err != nil:
		s.fail(w, r, "the portal was not shown", err)
	default:
		s.show(w, http.StatusOK, s.pages[v.member().Language].home, homePage{Visitor: showVisitor(v)})
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

func showVisitor(v *visitor) *homeVisitor {
	m := v.member()
	shown := &homeVisitor{Name: m.Name, Email: m.Email, Until: v.session.ExpiresAt}
	if v.current != nil {
		shown.Account, shown.AccountName, shown.Role = m.Account, v.current.AccountName, m.Role
		shown.Settings = slices.Contains(m.Role.Scopes(), hook.ScopeSettings)
	}
	for i := range v.places {
		p := &v.places[i]
		shown.Accounts = append(shown.Accounts, homeAccount{
			ID: p.Member.Account, Name: p.AccountName, Role: p.Member.Role, Current: p == v.current,
		})
	}
	return shown
}

// notice is a page that says why somebody does not get what they asked for, and what to
// do; its texts are "notice.ID.title" and "notice.ID.text".
type notice struct {
	id     string
	status int
	// remedy says what signing in again may help.
	remedy remedy
}

// remedy is a way to sign in again.
type remedy int

const (
	none    remedy = iota
	again          // another try
	another        // as somebody else: the provider would let the same person in without asking
)

var (
	notFound        = notice{"not-found", http.StatusNotFound, none}
	settingsOnly    = notice{"settings-only", http.StatusForbidden, none}
	crossSite       = notice{"cross-site", http.StatusForbidden, none}
	unavailable     = notice{"unavailable", http.StatusServiceUnavailable, none}
	linkInvalid     = notice{"link-invalid", http.StatusUnauthorized, none}
	linkExpired     = notice{"link-expired", http.StatusUnauthorized, none}
	loginStale      = notice{"login-stale", http.StatusBadRequest, again}
	loginRefused    = notice{"login-refused", http.StatusForbidden, again}
	loginUnsound    = notice{"login-unsound", http.StatusForbidden, again}
	providerAway    = notice{"provider-away", http.StatusBadGateway, again}
	stranger        = notice{"stranger", http.StatusForbidden, another}
	addressTaken    = notice{"address-taken", http.StatusForbidden, another}
	emailUnverified = notice{"email-unverified", http.StatusForbidden, another}

	notices = []notice{
		notFound, settingsOnly, crossSite, unavailable, linkInvalid, linkExpired, loginStale, loginRefused, loginUnsound, providerAway,
		stranger, addressTaken, emailUnverified,
	}
)

// noticePage is what a notice shows.
type noticePage struct {
	Title, Text string
	// About is what it is about, such as an address; may be empty.
	About  string
	SignIn string
	// Another is where one signs in as somebody else; empty: not offered.
	Another string
}

// tell shows a notice, in the browser's language.
func (s *Service) tell(w http.ResponseWriter, r *http.Request, n notice, about ...string) {
	lang := speaks(r)
	page := noticePage{
		Title: texts[lang]["notice."+n.id+".title"], Text: texts[lang]["notice."+n.id+".text"], About: strings.Join(about, " "),
	}
	if to := s.signIn(); to != "" {
		switch n.remedy {
		case again:
			page.SignIn = to
		case another:
			page.Another = to + "?" + anotherQuery
		case none:
		}
	}
	s.show(w, n.status, s.pages[lang].notice, page)
}

// fail says that something of ours does not work, and writes it to the log.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, what string, err error) {
	if r.Context().Err() == nil { // else nobody waits for it any more
		s.log.Error(what, zap.Error(err))
	}
	s.tell(w, r, unavailable)
}

// asset serves what pages need. Browsers keep it, and ask each time whether it is
// another one.
func (s *Service) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, err := assets.ReadFile("assets/" + name)
	if err != nil {
		s.tell(w, r, notFound)
		return
	}
	sum := sha256.Sum256(content)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
