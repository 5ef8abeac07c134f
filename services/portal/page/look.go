package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Cookies of how somebody likes the portal. They are kept for lookKept.
const (
	languageCookie = "staffetta_portal_language"
	themeCookie    = "staffetta_portal_theme"
	lookKept       = 365 * 24 * time.Hour
)

// themes are the colours; "": as the device has it.
var themes = []string{"", "light", "dark"}

// look is how somebody likes the portal.
type look struct {
	Language hook.Language
	Theme    string
}

// look is what was chosen in this browser, else the member's language, else the
// browser's.
func (k *Kit) look(r *http.Request, v *Visitor) look {
	l := look{Language: hook.Language(k.cfg.Cookie(r, languageCookie)), Theme: k.cfg.Cookie(r, themeCookie)}
	if !slices.Contains(hook.Languages, l.Language) {
		l.Language = speaks(r)
		if v != nil && v.Language != "" {
			l.Language = v.Language
		}
	}
	if !slices.Contains(themes, l.Theme) {
		l.Theme = ""
	}
	return l
}

// ChooseLook keeps a language or colours that somebody chose, and leads back to where
// they were.
func (k *Kit) ChooseLook(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	until := k.cfg.Now().Add(lookKept)
	if lang := r.PostFormValue("language"); slices.Contains(hook.Languages, hook.Language(lang)) {
		k.cfg.SetCookie(w, languageCookie, lang, until)
	}
	if theme := r.PostFormValue("theme"); r.PostForm.Has("theme") && slices.Contains(themes, theme) {
		k.cfg.SetCookie(w, themeCookie, theme, until)
	}
	k.Redirect(w, r, k.under(r.PostFormValue("to")))
}

// under is what follows the portal's path in a URL of one of its pages; empty of any
// other.
func (k *Kit) under(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.Contains(u.Path, "\\") || strings.Contains(u.Path, "..") {
		return ""
	}
	rest, ok := strings.CutPrefix(u.RequestURI(), k.cfg.Home)
	if !ok {
		return ""
	}
	return rest
}
