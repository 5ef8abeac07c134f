package page

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestATextIsThereInEveryLanguageAndOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := fstest.MapFS{"page.html": {Data: []byte(`{{define "main"}}{{end}}`)}}
	for name, words := range map[string]Words{
		"no Italian": {"a": {"A", ""}}, "no English": {"a": {"", "A"}}, "one of the frame": {"signOut": {"Leave", "Esci"}},
	} {
		_, err := b.Template(files, "page.html", "", words)
		require.Error(t, err, name)
	}
	_, err := b.Template(files, "page.html", "", Words{"a": {"A", "A"}}, Words{"a": {"B", "B"}})
	require.ErrorContains(t, err, `"a"`)
	_, err = b.Template(fstest.MapFS{"page.html": {Data: []byte(`{{define "main"}}{{strange}}{{end}}`)}}, "page.html", "")
	require.Error(t, err)
	for _, words := range []Words{frameWords, noticeWords} {
		for key, both := range words {
			require.Equal(t, strings.Count(both[0], "%"), strings.Count(both[1], "%"), key)
		}
	}
}

// render gives what a template makes of content.
func render(t *testing.T, lang hook.Language, text string, content any) (string, error) {
	t.Helper()
	b := newBench(t)
	b.visitor.Language = lang
	page, err := b.Template(fstest.MapFS{"page.html": {Data: []byte(`{{define "main"}}{{end}}{{define "part"}}` + text + `{{end}}`)}}, "page.html", "",
		Words{"n.one": {"%s thing", "%s cosa"}, "n.many": {"%s things", "%s cose"}, "to": {"to %s", "a %s"}})
	require.NoError(t, err)
	var got string
	b.get(b.Read("", func(_ http.ResponseWriter, r *http.Request, v *Visitor) error {
		got, err = b.Render(r, v, page, "part", content)
		return nil
	}))
	return got, err
}

func TestWhatTemplatesCanSay(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 3, 4, 5, 6, 700, time.FixedZone("", 3600))
	for text, want := range map[string][2]string{
		`{{several "n" 1}}`: {"1 thing", "1 cosa"}, `{{several "n" 12345}}`: {"12,345 things", "12.345 cose"}, `{{number 12345}}`: {"12,345", "12.345"},
		`{{say "to" "<b>"}}`: {"to &lt;b&gt;", "a &lt;b&gt;"}, `{{path "log"}}`: {"/portal/log", "/portal/log"}, `{{root "openapi.json"}}`: {"/openapi.json", "/openapi.json"},
		`{{lang}}`: {"en", "it"}, `{{rule "is required"}}`: {"is required", "è obbligatorio"}, `{{rule "<b> unheard"}}`: {"&lt;b&gt; unheard", "&lt;b&gt; unheard"},
		`{{when .Page}}`:                     {`<time datetime="2026-02-03T03:05:06.0000007Z">2026-02-03 03:05:06 UTC</time>`, `<time datetime="2026-02-03T03:05:06.0000007Z">2026-02-03 03:05:06 UTC</time>`},
		`{{with fields "a" 1}}{{.a}}{{end}}`: {"1", "1"},
	} {
		for n, lang := range hook.Languages {
			got, err := render(t, lang, text, at)
			require.NoError(t, err, text)
			require.Equal(t, want[n], got, text)
		}
	}
	got, err := render(t, hook.English, `{{when .Page}}`, time.Time{})
	require.NoError(t, err)
	require.Empty(t, got)
	for _, wrong := range []string{`{{say "strange"}}`, `{{icon "strange"}}`, `{{fields "a"}}`, `{{fields 1 2}}`} {
		_, err := render(t, hook.English, wrong, nil)
		require.Error(t, err, wrong)
	}
}

func TestARuleInItalianSaysWhatIsTheFieldsOwn(t *testing.T) {
	t.Parallel()
	require.Equal(t, "non può essere a <b>", rule(hook.Italian, "must not be a <b>"))
	require.Equal(t, "must not be a", rule(hook.English, "must not be a"))
	for english, italian := range rulesInItalian {
		require.NotEmpty(t, italian, english)
		require.LessOrEqual(t, strings.Count(italian, "%"), strings.Count(english, "%"), english)
	}
}
