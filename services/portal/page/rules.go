package page

import (
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// rulesInItalian are the rules that the API says a field breaks. Those that end in " %"
// go on with something of the field's own.
var rulesInItalian = map[string]string{
	"is required":   "è obbligatorio",
	"is not known":  "non è conosciuto",
	"must not be %": "non può essere %",
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
