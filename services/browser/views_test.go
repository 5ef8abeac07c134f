package browser_test

import (
	"testing"
)

// view is a page of the portal in a state, as the shop shows it.
type view struct {
	// name is that of its pictures.
	name string
	path string
	// then is what a person does there; nil: nothing.
	then func(b *tab)
	// as is the role; empty: the owner. nobody has not signed in.
	as string
	// empty: of an account that is new.
	empty bool
}

// nobody is who has not signed in.
const nobody = "nobody"

// views are all pages, and those of their states that look otherwise.
func (s *shop) views() []view {
	return []view{
		{name: "start", path: "/portal/", as: nobody},
		{name: "not-found", path: "/portal/nothing"},
		{name: "session", path: "/portal/session"},
		{name: "webhooks", path: "/portal/webhooks"},
		{name: "webhooks-empty", path: "/portal/webhooks", empty: true},
		{name: "webhooks-viewer", path: "/portal/webhooks", as: "viewer"},
		{name: "notifications", path: "/portal/notifications"},
		{name: "notifications-empty", path: "/portal/notifications", empty: true},
	}
}

// visits opens views one after the other in a tab for each kind of visitor, and has each
// looked at.
type visits struct {
	t        *testing.T
	shop     *shop
	new      *account
	language string
	tabs     map[string]*tab
}

func newVisits(t *testing.T, language string) *visits {
	t.Helper()
	return &visits{t: t, shop: openShop(t), new: newAccount(t, object{"name": "Nuova bottega"}), language: language, tabs: map[string]*tab{}}
}

// show opens a view in a window and waits until it is as it should be.
func (v *visits) show(one view, in size) *tab {
	v.t.Helper()
	of, as := v.shop.account, one.as
	if one.empty {
		of = v.new
	}
	if as == "" {
		as = "owner"
	}
	key := of.id + " " + as
	b := v.tabs[key]
	switch {
	case b != nil:
	case as == nobody:
		b = newTab(v.t, of.in.url, v.language)
		b.speaks(v.language)
	default:
		b = of.visit(as, v.language)
	}
	v.tabs[key] = b
	b.looks(in, "light")
	b.open(one.path)
	if one.then != nil {
		one.then(b)
	}
	b.waits("it does not load", `document.readyState === "complete" && !document.querySelector(".htmx-request")`)
	return b
}
