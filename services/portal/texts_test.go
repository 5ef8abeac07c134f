package portal

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestEveryLanguageHasEveryText(t *testing.T) {
	t.Parallel()
	for _, lang := range hook.Languages {
		require.Len(t, texts[lang], len(texts[hook.English]), lang)
		for key := range texts[hook.English] {
			require.NotEmpty(t, texts[lang][key], "%s in %s", key, lang)
		}
		for _, told := range hook.Notices {
			require.NotEmpty(t, texts[lang]["told."+string(told)])
			require.NotEmpty(t, texts[lang]["told."+string(told)+".count"])
		}
		for _, role := range hook.Roles {
			require.NotEmpty(t, texts[lang]["role."+string(role)])
			require.NotEmpty(t, texts[lang]["role."+string(role)+".can"])
		}
	}
}

func TestEveryNoticeCanBeShown(t *testing.T) {
	t.Parallel()
	s := &Service{log: zap.NewNop()}
	var err error
	s.pages, err = parsePages("/portal/")
	require.NoError(t, err)
	for lang, words := range texts {
		for _, n := range notices {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/portal/", nil)
			r.Header.Set("Accept-Language", string(lang))
			s.tell(w, r, n, "<script>")
			require.Equal(t, n.status, w.Code)
			require.NotEmpty(t, words["notice."+n.id+".title"], n.id)
			require.NotEmpty(t, words["notice."+n.id+".text"], n.id)
			require.Contains(t, w.Body.String(), "&lt;script&gt;")
			require.NotContains(t, w.Body.String(), "<script>")
		}
	}
}
