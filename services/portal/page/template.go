package page

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/staffetta/staffetta/pkg/hook"
)

//go:embed templates
var templates embed.FS

// Template is a page in every language.
type Template struct {
	section string
	words   Words
	in      map[hook.Language]*template.Template
}

// Template parses a page: a file that defines "title" and "main", which the layout
// shows, and whatever fragments are shown on their own. section is the entry of the menu
// that it belongs to, such as "webhooks"; empty: to none. The error is a defect of the
// file or of the words.
//
// Besides what html/template has, a page can call:
//
//	say "key" arg…           a text, its verbs filled in
//	several "key" n          the text "key.one" or "key.many", with n
//	path "log"               where a page of the portal is
//	root "openapi.json"      where something beside the portal is
//	when .At                 an instant, in the reader's time zone if scripts run
//	number .N                a number, its digits grouped
//	rule "is required"       a rule of the API that a field breaks
//	icon "pencil"            a picture that screen readers pass over
//	fields "a" 1 "b" 2       values by name, for a template that takes several
//	lang                     "en" or "it"
func (k *Kit) Template(files fs.FS, name, section string, words ...Words) (*Template, error) {
	all, err := merged(append([]Words{frameWords}, words...)...)
	if err != nil {
		return nil, err
	}
	t := &Template{section: section, words: all, in: map[hook.Language]*template.Template{}}
	for _, lang := range hook.Languages {
		parsed, err := template.New("layout.html").Option("missingkey=error").Funcs(k.funcs(lang, all.in(lang))).
			ParseFS(templates, "templates/layout.html", "templates/parts.html")
		if err == nil {
			parsed, err = parsed.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("portal: templates: %w", err)
		}
		t.in[lang] = parsed
	}
	return t, nil
}

func (k *Kit) funcs(lang hook.Language, texts map[string]string) template.FuncMap {
	say := func(key string, args ...any) (string, error) {
		text, ok := texts[key]
		if !ok {
			return "", fmt.Errorf("no text %q in %q", key, lang)
		}
		if len(args) > 0 {
			return fmt.Sprintf(text, args...), nil
		}
		return text, nil
	}
	tag := language.English
	if lang == hook.Italian {
		tag = language.Italian
	}
	printer := message.NewPrinter(tag)
	return template.FuncMap{
		"say":  say,
		"path": k.Path,
		"root": func(under string) string { return strings.TrimSuffix(k.cfg.Home, "portal/") + under },
		"lang": func() string { return string(lang) },
		"several": func(key string, n any) (string, error) {
			number := fmt.Sprint(n)
			if number == "1" {
				return say(key+".one", printer.Sprint(n))
			}
			return say(key+".many", printer.Sprint(n))
		},
		"number": func(n any) string { return printer.Sprint(n) },
		"when":   func(t time.Time) template.HTML { return when(t) },
		"rule":   func(english string) string { return rule(lang, english) },
		"icon":   icon,
		"fields": fields,
	}
}

// when is an instant in UTC, which portal.js shows in the reader's own zone.
func when(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339Nano) + `">` + t.Format("2006-01-02 15:04:05") + ` UTC</time>`) //nolint:gosec // digits alone
}

func fields(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("fields: a name without a value")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("fields: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// view is what a template sees: Page is the page's own, the rest the frame's.
type view struct {
	// Visitor is nil if nobody is signed in.
	Visitor *Visitor
	// Section is the entry of the menu that is open.
	Section string
	// Token is for forms: every one that changes something has it in the field "token".
	Token string
	// Once is an Idempotency-Key for the form of the page that makes something.
	Once string
	// Here is the page's own URL, as the browser sees it.
	Here string
	// Theme is "", "light" or "dark".
	Theme string
	// Framed is whether a page of another site shows this one in a frame of its own, with
	// a head that need not be there twice.
	Framed bool
	// Done says what the form before this page did; may be empty.
	Done string
	Page any
}

func (k *Kit) view(r *http.Request, v *Visitor, t *Template, l look, content any) view {
	shown := view{Visitor: v, Section: t.section, Theme: l.Theme, Page: content, Once: once(), Here: k.Path(strings.TrimPrefix(here(r), "/portal/"))}
	shown.Framed = r.Header.Get("Sec-Fetch-Dest") == "iframe"
	if v != nil {
		shown.Token = token(v)
	}
	return shown
}

// here is the path and query of a request that may be shown again.
func here(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Query().Has("token") {
		return "/portal/"
	}
	return (&url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}).RequestURI()
}

// Show writes a page; v is nil if nobody is signed in.
func (k *Kit) Show(w http.ResponseWriter, r *http.Request, v *Visitor, t *Template, content any) error {
	return k.ShowStatus(w, r, v, http.StatusOK, t, content)
}

// ShowStatus writes a page with a status, such as 422 for a form that was refused.
func (k *Kit) ShowStatus(w http.ResponseWriter, r *http.Request, v *Visitor, status int, t *Template, content any) error {
	l := k.look(r, v)
	shown := k.view(r, v, t, l, content)
	if key := k.cfg.Cookie(r, flashCookie); key != "" {
		// A browser may have any text there, and this one may be of another page.
		if _, known := t.words[key]; known && strings.HasPrefix(key, "done.") {
			shown.Done = key
		}
		k.cfg.SetCookie(w, flashCookie, "", time.Time{})
	}
	return k.write(w, status, t.in[l.Language], "layout.html", shown)
}

// Fragment writes a part of a page, which a template of its file defines: htmx puts it
// into the page that is open. The template sees the same as the page.
func (k *Kit) Fragment(w http.ResponseWriter, r *http.Request, v *Visitor, t *Template, name string, content any) error {
	return k.FragmentStatus(w, r, v, http.StatusOK, t, name, content)
}

// FragmentStatus writes a part of a page with a status.
func (k *Kit) FragmentStatus(w http.ResponseWriter, r *http.Request, v *Visitor, status int, t *Template, name string, content any) error {
	l := k.look(r, v)
	return k.write(w, status, t.in[l.Language], name, k.view(r, v, t, l, content))
}

// IsPart reports whether a part is asked for that goes into the page that is open, such
// as a dialog over it.
func IsPart(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// Render gives a part of a page as text, such as for an event of a stream.
func (k *Kit) Render(r *http.Request, v *Visitor, t *Template, name string, content any) (string, error) {
	l := k.look(r, v)
	var body strings.Builder
	err := t.in[l.Language].ExecuteTemplate(&body, name, k.view(r, v, t, l, content))
	return body.String(), err
}

// Language is the one in which a reader is shown pages.
func (k *Kit) Language(r *http.Request, v *Visitor) hook.Language { return k.look(r, v).Language }

func (k *Kit) write(w http.ResponseWriter, status int, t *template.Template, name string, shown view) error {
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, name, shown); err != nil {
		return fmt.Errorf("a page of the portal cannot be made: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language, Cookie, Sec-Fetch-Dest")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // the connection is the browser's
	return nil
}
