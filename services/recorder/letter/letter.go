// Package letter puts notifications into words: as a mail with a text and an HTML part,
// in the language of the member who gets it.
//
// The words of a language are in one file of templates, of which each kind of
// notification has four: subject, what happened, what to do, and a line in a letter with
// many. The two layouts know no words.
package letter

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"strings"
	"text/template"

	"github.com/staffetta/staffetta/pkg/hook"
)

//go:embed templates
var files embed.FS

// Message is a letter in words.
type Message struct {
	Subject, Text, HTML string
}

// Composer writes letters.
type Composer struct {
	words map[hook.Language]*template.Template
	text  *template.Template
	html  *htmltemplate.Template
	// portal is the base of links, without a slash at the end; empty: there are none.
	portal string
}

// New makes a composer. publicURL is the base of links to this installation, without a
// slash at the end; empty: letters have no link. Its error says that an embedded file
// is broken.
func New(publicURL string) (*Composer, error) {
	c := &Composer{words: make(map[hook.Language]*template.Template)}
	if publicURL != "" {
		c.portal = publicURL + "/portal"
	}
	var err error
	for language, separator := range map[hook.Language]string{hook.English: ",", hook.Italian: "."} {
		name := string(language) + ".tmpl"
		number := func(n int64) string { return grouped(n, separator) }
		c.words[language], err = template.New(name).Funcs(template.FuncMap{"number": number}).ParseFS(files, "templates/"+name)
		if err != nil {
			return nil, fmt.Errorf("words of letters: %w", err)
		}
	}
	c.text, err = template.New("letter.txt.tmpl").Funcs(template.FuncMap{"wrap": wrap}).ParseFS(files, "templates/letter.txt.tmpl")
	if err == nil {
		c.html, err = htmltemplate.ParseFS(files, "templates/letter.html.tmpl")
	}
	if err != nil {
		return nil, fmt.Errorf("layout of letters: %w", err)
	}
	return c, nil
}

// page is what the layouts show.
type page struct {
	Language                            hook.Language
	Greeting, Title, Button, Link, More string
	// What happened, and what to do: paragraphs.
	What, Do []string
	DoTitle  string
	Facts    []fact
	// Lines are there instead of Facts if there are many notifications.
	Lines          []line
	Footer, Signed string
}

type fact struct{ Label, Value string }

type line struct{ When, What string }

// subject is what the words are about.
type subject struct {
	hook.LetterNotice
	// Name is what the webhook is called, and AccountName the account.
	Name, AccountName string
	// Cause says why it failed, in words; empty: that is not known.
	Cause string
	// Code is the status of the last answer, or empty.
	Code string
	// Calls in so many of a Unit ("d", "h", "m" or "s") are the quota; 0: not known.
	Calls, Period int64
	Unit          string
	// Total is the number of notifications in the letter.
	Total int64
	// Member who gets it, and More the number of notifications that are not listed.
	Member string
	Role   hook.Role
	More   int64
}

// Compose writes a letter, which has at least one notification.
func (c *Composer) Compose(l hook.Letter) (Message, error) {
	if len(l.Notices) == 0 {
		return Message{}, fmt.Errorf("letter to member %q: it is empty", l.Member.ID)
	}
	w := words{templates: c.words[l.Member.Language]}
	language := l.Member.Language
	if w.templates == nil {
		language, w.templates = hook.English, c.words[hook.English]
	}
	about := subject{
		AccountName: clean(l.AccountName, maxName), Total: int64(len(l.Notices)) + l.More, More: l.More,
		Member: clean(l.Member.Name, maxName), Role: l.Member.Role,
	}
	if about.AccountName == "" {
		about.AccountName = l.Member.Account
	}
	p := page{
		Language: language, Greeting: w.say("greeting", about), Signed: w.say("signed", about),
		Footer: w.say("footer", about), DoTitle: w.say("do", about),
	}
	var head string
	if about.Total == 1 {
		head = c.one(&p, &w, about, l.Notices[0])
	} else {
		head = c.many(&p, &w, about, l.Notices)
	}
	var text, html strings.Builder
	if w.err == nil {
		w.err = c.text.Execute(&text, p)
	}
	if w.err == nil {
		w.err = c.html.Execute(&html, p)
	}
	if w.err != nil {
		return Message{}, fmt.Errorf("letter to member %q: %w", l.Member.ID, w.err)
	}
	return Message{Subject: about.AccountName + ": " + head, Text: text.String(), HTML: html.String()}, nil
}

// one fills a page with one notification, and gives the subject.
func (c *Composer) one(p *page, w *words, about subject, n hook.LetterNotice) string {
	about = w.about(about, n)
	kind := string(n.Notice)
	head := w.say(kind+"/subject", about)
	p.Title, p.What, p.Do = capital(head), w.paragraphs(kind+"/what", about), w.paragraphs(kind+"/do", about)
	add := func(label, value string) {
		if value = clean(value, maxDetail); value != "" {
			p.Facts = append(p.Facts, fact{w.say("label/"+label, about), value})
		}
	}
	add("account", about.AccountName)
	if n.Webhook != "" {
		if about.Name != n.URL {
			add("webhook", about.Name)
		}
		add("url", n.URL)
		add("id", n.Webhook)
	}
	add("time", w.time(n.CreatedAt))
	if about.Code == "" && about.Calls == 0 && n.Notice != hook.NoticeExpiring {
		add("detail", n.Detail)
	}
	if n.Webhook == "" {
		c.link(p, w, about, "notifications")
	} else {
		c.link(p, w, about, "webhooks/"+url.PathEscape(n.Webhook))
	}
	return head
}

// many fills a page with a list, and gives the subject.
func (c *Composer) many(p *page, w *words, about subject, list []hook.LetterNotice) string {
	head := w.say("many/subject", about)
	p.Title, p.What = capital(head), w.paragraphs("many/what", about)
	for _, n := range list {
		p.Lines = append(p.Lines, line{When: w.time(n.CreatedAt), What: w.say(string(n.Notice)+"/line", w.about(about, n))})
	}
	if about.More > 0 {
		p.More = w.say("many/more", about)
	}
	c.link(p, w, about, "notifications")
	return head
}

func (c *Composer) link(p *page, w *words, about subject, path string) {
	if c.portal == "" {
		return
	}
	p.Link = c.portal + "/" + path
	name, _, _ := strings.Cut(path, "/")
	p.Button = w.say("button/"+name, about)
}
