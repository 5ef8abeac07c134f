package browser_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// open goes to a path such as "/portal/log".
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

// waits retries until an expression is true, also over the loading of a page.
func (b *tab) waits(otherwise, expression string) {
	b.t.Helper()
	err := eventually(func() error {
		is, err := tryEval[bool](b, `!!(`+expression+`)`)
		if err == nil && !is {
			err = fmt.Errorf("%s: %s", otherwise, expression)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// at waits until the address begins with a path, such as "/portal/log?status=failed".
func (b *tab) at(path string) {
	b.t.Helper()
	b.waits("is not at "+path, `document.readyState === "complete" && (location.pathname + location.search).startsWith(`+quoted(path)+`)`)
}

// shownText is the page as one reads it.
const shownText = `(document.readyState === "complete" ? document.body.innerText.replace(/\s+/g, " ") : "")`

// sees waits for texts, which the page has in its own language.
func (b *tab) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.waits("does not show "+text, list(b.say(text))+`.some((text) => `+shownText+`.includes(text))`)
	}
}

// shows waits for texts that are the same in every language.
func (b *tab) shows(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.waits("does not show "+text, shownText+`.includes(`+quoted(text)+`)`)
	}
}

// hides waits until texts are not there, which are the same in every language.
func (b *tab) hides(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.waits("still shows "+text, shownText+` && !`+shownText+`.includes(`+quoted(text)+`)`)
	}
}

//go:embed find.js
var finder string

type point struct{ X, Y float64 }

// find waits until something is there, and gives where on the screen. within is a text
// of the row, card or form in which it is; empty: anywhere.
func (b *tab) find(kind string, names []string, within string) point {
	b.t.Helper()
	script := fmt.Sprintf("%s(%s, %s, %s)", strings.TrimSpace(finder), quoted(kind), list(names), quoted(within))
	var at *point
	err := eventually(func() (err error) {
		if at, err = tryEval[*point](b, script); err == nil && at == nil {
			err = fmt.Errorf("there is no %q to %s", names, kind)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return *at
}

// click presses the mouse on something that find finds.
func (b *tab) click(kind string, names []string, within string) {
	b.t.Helper()
	at := b.find(kind, names, within)
	b.do(chromedp.MouseClickXY(at.X, at.Y))
}

// press presses a button or a link by its name; within as in find.
func (b *tab) press(name string, within ...string) {
	b.t.Helper()
	b.click("press", b.say(name), strings.Join(within, ""))
}

// tick presses a box or a choice by its label.
func (b *tab) tick(label string, within ...string) {
	b.t.Helper()
	b.click("field", b.say(label), strings.Join(within, ""))
}

// fill replaces what is in a field by its label.
func (b *tab) fill(label, value string) {
	b.t.Helper()
	b.click("field", b.say(label), "")
	eval[chromedp.Void](b, `window.__found.focus(), window.__found.select?.()`)
	if value == "" {
		b.types("\b")
		return
	}
	b.inserts(value)
}

// inserts writes a text into what has the focus.
func (b *tab) inserts(text string) {
	b.t.Helper()
	send(b, input.InsertText, input.InsertTextParams{Text: text})
}

// reaches presses Tab until the focus is on what has a name.
func (b *tab) reaches(name string) {
	b.t.Helper()
	b.waits("it does not load", `document.readyState === "complete"`)
	var passed []string
	for range 200 {
		b.types("\t")
		at := eval[string](b, `(() => {
			const el = document.activeElement, text = el.labels?.[0]?.innerText ?? el.ariaLabel ?? el.innerText ?? "";
			return text.replace(/\s+/g, " ").trim();
		})()`)
		if slices.ContainsFunc(b.say(name), func(want string) bool { return strings.HasPrefix(at, want) }) {
			return
		}
		passed = append(passed, at)
	}
	b.t.Fatalf("Tab does not lead to %s, but to %q", name, passed)
}

// choose picks an option of a list by its value, or its text in every language.
func (b *tab) choose(label, option string) {
	b.t.Helper()
	b.find("field", b.say(label), "")
	there := eval[bool](b, `(() => {
		const list = window.__found, want = `+quoted(option)+`;
		const option = [...list.options].find((o) => o.text.trim() === want || o.value === want);
		if (!option) return false;
		list.value = option.value;
		list.dispatchEvent(new Event("input", { bubbles: true }));
		list.dispatchEvent(new Event("change", { bubbles: true }));
		return true;
	})()`)
	require.True(b.t, there, "%s has no option %s", label, option)
}

// types sends keys to what has the focus.
func (b *tab) types(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// text is that of the first element that a selector finds.
func (b *tab) text(selector string) string {
	b.t.Helper()
	b.waits("there is no "+selector, `document.querySelector(`+quoted(selector)+`)`)
	return eval[string](b, `document.querySelector(`+quoted(selector)+`).textContent.trim()`)
}

func quoted(text string) string {
	encoded, _ := json.Marshal(text) // a string always can be
	return string(encoded)
}

func list(texts []string) string {
	encoded, _ := json.Marshal(texts) // a list of strings always can be
	return string(encoded)
}
