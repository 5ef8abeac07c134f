package page

import (
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// rulesInItalian are the rules that the API says a field breaks. Those that end in " %"
// go on with something of the field's own.
var rulesInItalian = map[string]string{
	"is required":  "è obbligatorio",
	"is not known": "non è conosciuto",
	"must be an email address, such as mario@example.com, of at most 254 bytes":       "deve essere un indirizzo email, per esempio mario@example.com, di al massimo 254 byte",
	"another member of the account has this address":                                  "un altro membro dell'account ha questo indirizzo",
	"it is the last owner, and an account keeps one: make another member owner first": "è l'ultimo titolare, e un account ne deve avere uno: prima rendi titolare un altro membro",
	"must be a string of 1 to 100 characters":                                         "deve avere da 1 a 100 caratteri",
	"must be a string of 1 to 200 characters":                                         "deve avere da 1 a 200 caratteri",
	"must be a string of 0 to 200 characters":                                         "deve avere al massimo 200 caratteri",
	"must be a list of 1 to 4 strings":                                                "scegline almeno uno",
	"must be a time in the future as in RFC 3339, such as 2030-01-31T12:00:00Z":       "deve essere un giorno nel futuro",
	"must be at most 256 bytes":                                                       "deve avere al massimo 256 byte",
	"must not be . or ..":                                                             "non può essere . o ..",
	"must not be %":                                                                   "non può essere %",
}

// rule is a rule of the API in a language; one that is not known stays as it is.
func rule(lang hook.Language, english string) string {
	if lang != hook.Italian {
		return english
	}
	if italian, ok := rulesInItalian[english]; ok {
		return italian
	}
	for pattern, italian := range rulesInItalian {
		if begin, found := strings.CutSuffix(pattern, "%"); found && strings.HasPrefix(english, begin) {
			return strings.TrimSuffix(italian, "%") + strings.TrimPrefix(english, begin)
		}
	}
	return english
}
