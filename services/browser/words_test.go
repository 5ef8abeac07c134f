package browser_test

// italian is what tests say in English. A test that says something else fails.
var italian = map[string]string{
	"English":                   "English",
	"Notifications":             "Notifiche",
	"Sign out":                  "Esci",
	"See what your webhooks do": "Guarda cosa fanno i tuoi webhook",
	"Your session":              "La tua sessione",
}

// languages are those of the portal.
var languages = []string{"en", "it"}

// say gives a text in the language of the tab.
func (b *tab) say(english string) string {
	b.t.Helper()
	if b.language == "en" {
		return english
	}
	text, ok := italian[english]
	if !ok {
		b.t.Fatalf("words_test.go does not say %q in Italian", english)
	}
	return text
}

// translated gives a text in the language of the tab if it is known, else itself: such
// as what the tests have written there.
func (b *tab) translated(text string) string {
	if known, ok := italian[text]; ok && b.language != "en" {
		return known
	}
	return text
}
