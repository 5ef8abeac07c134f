package browser_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// inEachLanguage runs a test with an account and a tab of its own in each.
func inEachLanguage(t *testing.T, test func(t *testing.T, a *account, b *tab)) {
	t.Helper()
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			test(t, a, a.visit("owner", language))
		})
	}
}

func TestThePortalSpeaksTheLanguageThatOneChooses(t *testing.T) {
	t.Parallel()
	b := newAccount(t).visit("owner", "en")
	b.open("/portal/notifications")
	b.press("Italiano")
	b.language = "it"
	b.sees("Notifications")
	b.at("/portal/notifications")
	b.waits("it does not say so", `document.documentElement.lang === "it"`)
	b.language = "en"
	b.press("English")
	b.sees("Notifications")
}

func TestColoursAreTheDevicesUntilOneChooses(t *testing.T) {
	t.Parallel()
	b := newAccount(t).visit("owner", "en")
	bright := func() bool {
		b.t.Helper()
		return eval[bool](b, `getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).every((part) => part > 128)`)
	}
	require.True(t, bright())
	b.looks(desktop, "dark")
	require.False(t, bright())
	b.press("Colours: Light")
	b.waits("it stays dark", `document.documentElement.dataset.theme === "light" && document.readyState === "complete"`)
	require.True(t, bright())
	b.press("Colours: Dark")
	b.waits("it stays bright", `document.documentElement.dataset.theme === "dark" && document.readyState === "complete"`)
	b.looks(desktop, "light")
	require.False(t, bright())
}

// What the other tests rely on: that a tab tells when a page goes wrong.
func TestATabHearsWhatMustNotHappen(t *testing.T) {
	t.Parallel()
	b := newAccount(t).visit("owner", "en")
	for _, wrong := range []string{
		`document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=alert(1)>")`,
		`document.body.append(Object.assign(document.createElement("script"), { textContent: "alert(1)" }))`,
		`document.body.append(Object.assign(document.createElement("img"), { src: "https://elsewhere.test/" }))`,
		`setTimeout(() => { throw new Error("it failed") })`,
		`console.error("it failed")`,
		`alert(1)`,
	} {
		eval[any](b, wrong)
		require.NoError(t, eventually(func() error {
			if faults := b.blame(); len(faults) == 0 {
				return errNothing
			}
			return nil
		}), wrong)
	}
	require.NoError(t, eventually(func() error { b.blame(); return nil }))
}
