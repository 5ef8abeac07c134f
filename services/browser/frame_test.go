package browser_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// site is one by https: under a name of its own, whose page has a frame with what a
// query asks for.
func site(t *testing.T, name string) string {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `<!doctype html><title>%s</title><iframe width="1200" height="800" src="%s"></iframe>`, name, html.EscapeString(r.URL.Query().Get("frame")))
	}))
	t.Cleanup(server.Close)
	return "https://" + name + strings.TrimPrefix(server.URL, "https://127.0.0.1")
}

// front is a TLS front before a standalone that tells its public URL and who may embed
// its portal.
func front(t *testing.T, ancestor string) *standalone {
	t.Helper()
	var mu sync.Mutex
	var to *httputil.ReverseProxy
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		next := to
		mu.Unlock()
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	public := "https://portal.test" + strings.TrimPrefix(server.URL, "https://127.0.0.1")
	s, err := startStandalone("STAFFETTA_PUBLIC_URL="+public, "STAFFETTA_FRAME_ANCESTORS="+ancestor)
	require.NoError(t, err)
	behind, err := url.Parse(s.url)
	require.NoError(t, err)
	mu.Lock()
	defer mu.Unlock()
	to = httputil.NewSingleHostReverseProxy(behind)
	return s
}

// in gives the tab of a frame, for what a person does there.
func (b *tab) inFrame() *tab {
	b.t.Helper()
	var frame *tab
	require.NoError(b.t, eventually(func() error {
		targets, err := chromedp.Targets(b.ctx)
		if err != nil {
			return err
		}
		for _, one := range targets {
			if one.Type == "iframe" && strings.HasPrefix(one.URL, "https://portal.test") {
				ctx, _ := chromedp.NewContext(b.ctx, chromedp.WithTargetID(one.TargetID))
				frame = &tab{t: b.t, ctx: ctx, url: b.url, language: b.language}
				return chromedp.Do(ctx)
			}
		}
		return fmt.Errorf("there is no frame among %v", targets)
	}))
	require.NoError(b.t, chromedp.Listen(frame.ctx, frame.hear))
	b.t.Cleanup(frame.check)
	return frame
}

func TestThePortalIsEmbeddedWhereTheInstallationAllows(t *testing.T) {
	t.Parallel()
	needChromium(t)
	ours, theirs := site(t, "application.test"), site(t, "elsewhere.test")
	a := newAccountIn(t, front(t, ours))

	b := newTab(t, ours, "it")
	b.open("/?frame=" + url.QueryEscape(a.portalLink("owner", "it")))
	inside := b.inFrame()
	inside.press("Notifications")
	inside.at("/portal/notifications")
	// Its forms work there: the cookies go along.
	inside.press("English")
	inside.language = "en"
	inside.sees("Notifications")
	inside.press("Sign out")
	inside.sees("See what your webhooks do")

	other := newTab(t, theirs, "en")
	other.open("/?frame=" + url.QueryEscape(a.portalLink("owner", "en")))
	require.NoError(t, eventually(func() error {
		for _, fault := range other.blame() {
			if strings.Contains(fault, "frame-ancestors") {
				return nil
			}
		}
		return errNothing
	}), "the browser says why the frame stays empty")
}
