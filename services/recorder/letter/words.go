package letter

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// maxName and maxDetail bound what others wrote, in characters.
	maxName   = 80
	maxDetail = 300
	// textWidth is how long a line of the text part gets, in characters.
	textWidth = 72
)

// words says things in a language. The first error stays, and what is said after it
// is empty.
type words struct {
	templates *template.Template
	err       error
}

// say executes a template, and makes one line of what it says.
func (w *words) say(name string, data any) string {
	var text strings.Builder
	if w.err == nil {
		w.err = w.templates.ExecuteTemplate(&text, name, data)
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

// paragraphs are the lines that a template says.
func (w *words) paragraphs(name string, data any) []string {
	var text strings.Builder
	if w.err == nil {
		w.err = w.templates.ExecuteTemplate(&text, name, data)
	}
	var all []string
	for paragraph := range strings.Lines(text.String()) {
		if paragraph = strings.Join(strings.Fields(paragraph), " "); paragraph != "" {
			all = append(all, paragraph)
		}
	}
	return all
}

// time is a moment as people write it, in UTC.
func (w *words) time(t time.Time) string {
	return w.say("time", struct {
		Day, Year int
		Month     time.Month
		Clock     string
	}{t.UTC().Day(), t.UTC().Year(), t.UTC().Month(), t.UTC().Format("15:04")})
}

// These are the details that the recorder writes.
var (
	answerDetail = regexp.MustCompile(`^the last answer was (\d{3})$`)
	quotaDetail  = regexp.MustCompile(`^the quota is (\d+) calls in (\S+)$`)
)

// about says what the words need to know of a notification.
func (w *words) about(s subject, n hook.LetterNotice) subject {
	s.LetterNotice = n
	s.Name = clean(n.Description, maxName)
	if u, err := url.Parse(n.URL); s.Name == "" && err == nil {
		s.Name = clean(u.Host, maxName)
	}
	if s.Name == "" {
		s.Name = n.Webhook
	}
	if found := answerDetail.FindStringSubmatch(n.Detail); found != nil {
		s.Code = found[1]
		s.Cause = w.say("cause/status", s)
	} else if found := quotaDetail.FindStringSubmatch(n.Detail); found != nil {
		s.Calls, _ = strconv.ParseInt(found[1], 10, 64)
		s.Period, s.Unit = period(found[2])
	} else if reason, _, _ := strings.Cut(n.Detail, ":"); w.templates.Lookup("cause/"+reason) != nil {
		s.Cause = w.say("cause/"+reason, s)
	}
	return s
}

// period is a duration in the largest unit that it is a multiple of.
func period(text string) (count int64, unit string) {
	d, _ := time.ParseDuration(text)
	switch {
	case d%(24*time.Hour) == 0:
		return int64(d / (24 * time.Hour)), "d"
	case d%time.Hour == 0:
		return int64(d / time.Hour), "h"
	case d%time.Minute == 0:
		return int64(d / time.Minute), "m"
	default:
		return int64(d / time.Second), "s"
	}
}

// grouped is a number with something between its thousands, if it has five digits or
// more.
func grouped(n int64, separator string) string {
	text := strconv.FormatInt(n, 10)
	if len(text) < 5 {
		return text
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + separator + text[at:]
	}
	return text
}

// clean makes one line of what somebody wrote, without what is not to be seen or turns
// the direction of the text, and cuts it.
func clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		default:
			return r
		}
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// capital begins a text with a capital letter.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// wrap breaks a text into lines that begin with the given indent.
func wrap(indent, text string) string {
	var out strings.Builder
	width := 0
	for word := range strings.FieldsSeq(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case width == 0:
		case len(indent)+width+1+length > textWidth:
			out.WriteString("\n" + indent)
			width = 0
		default:
			out.WriteString(" ")
			width++
		}
		out.WriteString(word)
		width += length
	}
	return out.String()
}
