package browser_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var screenshotsInto = flag.String("screenshots", "", "folder for pictures of every page; empty: none are taken")

// TestScreenshots takes pictures for people to look at: `make screenshots`.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	if *screenshotsInto == "" {
		t.Skip("only by make screenshots")
	}
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			visits := newVisits(t, language)
			for _, one := range visits.shop.views() {
				for of, in := range map[string]size{"desktop": desktop, "phone": phone} {
					b := visits.show(one, in)
					for _, colours := range []string{"light", "dark"} {
						b.looks(in, colours)
						name := fmt.Sprintf("%s-%s-%s-%s.png", one.name, language, colours, of)
						require.NoError(t, os.WriteFile(filepath.Join(*screenshotsInto, name), b.picture(), 0o600))
					}
				}
			}
		})
	}
}

// picture is of the whole page, beyond the window's lower edge too.
func (b *tab) picture() []byte {
	b.t.Helper()
	// Two frames: what has just changed is drawn then.
	eval[chromedp.Void](b, `new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))`)
	// A dialog is in the middle of the window.
	height := eval[float64](b, `document.querySelector("dialog:modal") ? innerHeight : Math.min(4000, Math.max(innerHeight, document.documentElement.scrollHeight))`)
	width := eval[float64](b, `innerWidth`)
	beyond := true
	taken, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Width: width, Height: height, Scale: 1},
	})
	require.NoError(b.t, err)
	return taken.Data
}
