package page

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/text/language"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Words are texts of pages by key, each in the languages of hook.Languages: English,
// then Italian. A text may have verbs of package fmt, the same ones in both.
type Words map[string][2]string

// In returns the texts in one language.
func (w Words) in(lang hook.Language) map[string]string {
	texts := make(map[string]string, len(w))
	for key, both := range w {
		texts[key] = both[0]
		if lang == hook.Italian {
			texts[key] = both[1]
		}
	}
	return texts
}

// merged are several in one. The error names a key that is there twice, or that a
// language lacks.
func merged(all ...Words) (Words, error) {
	one := Words{}
	for _, words := range all {
		for key, both := range words {
			if _, twice := one[key]; twice {
				return nil, fmt.Errorf("portal: two texts have the key %q", key)
			}
			if slices.Contains(both[:], "") {
				return nil, fmt.Errorf("portal: the text %q is not there in every language", key)
			}
		}
		maps.Copy(one, words)
	}
	return one, nil
}

// languages are those that there are texts in, of which the first is for those who read
// none.
var languages = language.NewMatcher([]language.Tag{language.English, language.Italian})

// speaks is the language of a browser.
func speaks(r *http.Request) hook.Language {
	_, at := language.MatchStrings(languages, r.Header.Get("Accept-Language"))
	return []hook.Language{hook.English, hook.Italian}[at]
}
