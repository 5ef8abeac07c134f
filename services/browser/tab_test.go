package browser_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Sizes of windows.
var (
	desktop = size{1440, 900}
	phone   = size{390, 844}
)

type size struct{ width, height int64 }

// tab is one of the browser, with cookies of its own. What a person does in it waits
// until it can be done. The test fails if a script or the policy of the page is at fault.
type tab struct {
	t   *testing.T
	ctx context.Context
	// url is that of the portal's installation, without a slash at the end.
	url string
	// language is the one in which it reads; tests speak English.
	language string

	mu sync.Mutex
	// faults are what must never happen; asked are the questions that scripts asked in
	// dialogs of the browser, which are answered with yes, unless it declines.
	faults, asked []string
	declines      bool
}

// newTab opens an empty one.
func newTab(t *testing.T, url, language string) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(chromium(t), chromedp.WithNewBrowserContext())
	b := &tab{t: t, ctx: ctx, url: url, language: language}
	t.Cleanup(func() {
		b.check()
		closeTab()
	})
	require.NoError(t, chromedp.Do(ctx))
	require.NoError(t, chromedp.Listen(ctx, b.hear))
	send(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Rome"})
	send(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.looks(desktop, "light")
	return b
}

// visit opens a portal link of the account in a new tab.
func (a *account) visit(role, language string) *tab {
	a.t.Helper()
	b := newTab(a.t, a.in.url, language)
	b.enter(a.portalLink(role, language))
	return b
}

// enter opens a portal link.
func (b *tab) enter(link string) {
	b.t.Helper()
	b.do(chromedp.Navigate(link))
	b.waits("the portal did not open", `location.search === "" && document.body.dataset.token`)
}

// looks sets the window's size and the device's colours.
func (b *tab) looks(in size, colours string) {
	b.t.Helper()
	send(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: in.width, Height: in.height, DeviceScaleFactor: 1, Mobile: in == phone,
	})
	send(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: colours}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// disableScripts makes the tab one without JavaScript.
func (b *tab) disableScripts() {
	b.t.Helper()
	send(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, within)
	defer end()
	require.NoError(b.t, chromedp.Do(ctx, actions...))
}

func send[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, command, params)
	require.NoError(b.t, err)
}

// eval runs a script in the page, and waits for its promise.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	value, err := tryEval[T](b, script)
	require.NoError(b.t, err, script)
	return value
}

func tryEval[T any](b *tab, script string) (T, error) {
	ctx, end := context.WithTimeout(b.ctx, within)
	defer end()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// hear notes what goes wrong in the page.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		if e.Type == page.DialogTypeConfirm {
			b.asked = append(b.asked, e.Message)
		} else {
			b.faults = append(b.faults, fmt.Sprintf("%s(%q)", e.Type, e.Message))
		}
		accept := !b.declines
		go func() {
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: accept})
		}()
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.faults = append(b.faults, "exception: "+text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			said := string(e.Args[0].Value)
			// A page that is left while a request of htmx's is under way aborts it, which htmx
			// notes in two lines. Of a request that failed it notes another one as well.
			if !strings.HasPrefix(said, `"htmx:afterRequest,`) && !strings.HasPrefix(said, `"htmx:sendAbort,`) {
				b.faults = append(b.faults, fmt.Sprintf("console.error with %d arguments: %s", len(e.Args), said))
			}
		}
	case *log.EventEntryAdded:
		// An answer of 4xx is noted too, and what some tests want.
		refused := e.Entry.Source == log.EntrySourceNetwork && strings.Contains(e.Entry.Text, "status of 4") && !strings.Contains(e.Entry.URL, "/assets/")
		if e.Entry.Level == log.EntryLevelError && !refused {
			b.faults = append(b.faults, fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	}
}

// answers says how questions are answered from now on.
func (b *tab) answers(yes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.declines = !yes
}

// questions gives those that were asked, and forgets them.
func (b *tab) questions() []string {
	b.t.Helper()
	_, _ = tryEval[int](b, `0`) // an answer follows all events before it
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.asked
	b.asked = nil
	return asked
}

var failuresInto = flag.String("failures", "", "folder for pictures of what tabs showed whose tests failed")

// blame gives what must not happen and did, and forgets it.
func (b *tab) blame() []string {
	b.t.Helper()
	// An answer follows all events before it.
	_, _ = tryEval[int](b, `0`)
	b.mu.Lock()
	defer b.mu.Unlock()
	faults := b.faults
	b.faults = nil
	return faults
}

// check fails the test for what must not happen.
func (b *tab) check() {
	b.t.Helper()
	for _, fault := range slices.Compact(b.blame()) {
		b.t.Errorf("in the tab: %s", fault)
	}
	if !b.t.Failed() {
		return
	}
	b.t.Logf("the tab shows:\n%s", b.whereNow())
	if *failuresInto != "" {
		ctx, end := context.WithTimeout(b.ctx, within)
		defer end()
		if picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
			_ = os.WriteFile(filepath.Join(*failuresInto, strings.ReplaceAll(b.t.Name(), "/", "-")+".png"), picture, 0o600)
		}
	}
}

// whereNow is what the tab shows, for messages.
func (b *tab) whereNow() string {
	ctx, end := context.WithTimeout(b.ctx, time.Second)
	defer end()
	shown, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + (document.body?.innerText ?? "").replace(/\n+/g, "\n").slice(0, 2000)`))
	return shown
}

// speaks makes a tab's browser one of somebody who prefers a language.
func (b *tab) speaks(language string) {
	b.t.Helper()
	send(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
}
