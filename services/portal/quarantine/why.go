package quarantine

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fault is one thing that is wrong with a record.
type fault struct {
	// Field and Value are empty if it is about none. Rule is a sentence without them.
	Field, Rule, Value string
	// Byte is where the value ceases to be JSON, if HasByte. Want is the key of what there
	// must be, and Rest that in English if there is no text for it.
	Byte       int
	HasByte    bool
	Want, Rest string
}

// why reads the detail of an entry: field, rule and value of each fault, as hook.Invalid
// writes them. A sentence that is otherwise is one fault, of no field. There is at least
// one.
func why(detail string) []fault {
	var all []fault
	for _, part := range parts(detail) {
		f, ok := readFault(part)
		if !ok {
			return []fault{{Rule: detail}}
		}
		all = append(all, f)
	}
	return all
}

var (
	sentence = regexp.MustCompile(`(?s)^([A-Za-z][^\s"]*) ((?:must|breaks|is) .+)$`)
	// What jsontext.SyntaxError says.
	atByte = regexp.MustCompile(`^must be JSON: at byte (\d{1,9}) there must be `)
)

func readFault(text string) (fault, bool) {
	found := sentence.FindStringSubmatch(text)
	if found == nil {
		return fault{}, false
	}
	f := fault{Field: found[1], Rule: found[2]}
	// The first that ends where the text does: a rule has no such words, a value may.
	for from := 0; ; {
		at := strings.Index(f.Rule[from:], `, not "`)
		if at < 0 {
			break
		}
		at += from
		if value, err := strconv.Unquote(f.Rule[at+len(", not "):]); err == nil {
			f.Rule, f.Value = f.Rule[:at], value
			break
		}
		from = at + 1
	}
	if place := atByte.FindStringSubmatch(f.Rule); place != nil {
		f.Byte, _ = strconv.Atoi(place[1])
		f.HasByte, f.Rest = true, strings.TrimPrefix(f.Rule, place[0])
		for key, both := range words {
			if strings.HasPrefix(key, "want.") && both[0] == f.Rest {
				f.Want = key
			}
		}
	}
	return f, true
}

// parts are those between semicolons that are in no quotes.
func parts(detail string) []string {
	var all []string
	quoted, begin := false, 0
	for i := 0; i < len(detail); i++ {
		switch {
		case quoted && detail[i] == '\\':
			i++ // what is escaped ends nothing
		case detail[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(detail[i:], "; "):
			all = append(all, detail[begin:i])
			begin = i + 2
		}
	}
	return append(all, detail[begin:])
}

// place is where a byte of a text is.
type place struct {
	Line, Column int
	// Before, Mark and After are what stands there, of that line. Mark is empty at its end.
	Before, Mark, After string
}

// around is how many bytes of the line are shown before and after a place.
const around = 60

// placeOf counts lines and columns from 1; nil if the text does not reach so far.
func placeOf(text string, at int) *place {
	if at < 0 || at > len(text) {
		return nil
	}
	begin := strings.LastIndexByte(text[:at], '\n') + 1
	p := &place{Line: strings.Count(text[:at], "\n") + 1, Column: utf8.RuneCountInString(text[begin:at]) + 1}
	rest, _, _ := strings.Cut(text[at:], "\n")
	rest = strings.TrimSuffix(rest, "\r")
	if rest != "" {
		_, size := utf8.DecodeRuneInString(rest)
		p.Mark, p.After = rest[:size], rest[size:]
	}
	p.Before = text[begin:at]
	if from := len(p.Before) - around; from > 0 {
		for !utf8.RuneStart(p.Before[from]) {
			from++
		}
		p.Before = "…" + p.Before[from:]
	}
	if to := around; len(p.After) > to {
		for !utf8.RuneStart(p.After[to]) {
			to--
		}
		p.After = p.After[:to] + "…"
	}
	return p
}
