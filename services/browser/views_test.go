package browser_test

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"
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

var viewsOnly = flag.String("views", "", "names of the views that are looked at, comma separated; empty: all")

// views are all pages, and those of their states that look otherwise.
func (s *shop) views() []view {
	webhook := "/portal/webhooks/" + s.webhooks[sales]
	disabled := "/portal/webhooks/" + s.webhooks[loyalty]
	all := []view{
		{name: "door", path: "/portal/", as: nobody},
		{name: "not-found", path: "/portal/nothing"},
		{name: "not-allowed", path: "/portal/audit", as: "viewer"},
		{name: "session", path: "/portal/session"},
		{name: "webhooks", path: "/portal/webhooks"},
		{name: "webhooks-history", path: "/portal/webhooks?status=revoked"},
		{name: "webhooks-nothing", path: "/portal/webhooks?search=nowhere"},
		{name: "webhooks-empty", path: "/portal/webhooks", empty: true},
		{name: "webhooks-viewer", path: "/portal/webhooks", as: "viewer"},
		{name: "webhooks-pause", path: "/portal/webhooks", then: func(b *tab) { b.press("Pause", sales); b.opens() }},
		{name: "webhooks-delete", path: "/portal/webhooks", then: func(b *tab) { b.press("Delete", sales); b.opens() }},
		{name: "webhook", path: webhook},
		{name: "webhook-disabled", path: disabled},
		{name: "webhook-revoked", path: "/portal/webhooks/" + s.webhooks[former]},
		{name: "webhook-viewer", path: webhook, as: "viewer"},
		{name: "webhook-pause", path: webhook + "/pause"},
		{name: "webhook-delete", path: webhook + "/delete"},
		{name: "webhook-test", path: webhook + "/test"},
		{name: "webhook-secret", path: webhook + "/secret"},
		{name: "webhooks-new", path: "/portal/webhooks", then: func(b *tab) { b.press("New webhook"); b.opens() }},
		{name: "webhooks-new-faults", path: "/portal/webhooks", then: func(b *tab) {
			b.press("New webhook")
			b.opens()
			b.fill("URL", "https://127.0.0.1.example/")
			b.tick("Only some types")
			b.press("Create")
			b.sees("The form was not accepted")
		}},
		{name: "new", path: "/portal/webhooks/new"},
		{name: "new-advanced", path: "/portal/webhooks/new", then: func(b *tab) { b.press("Advanced"); b.tick("OAuth 2.0"); b.tick("Only some types") }},
		{name: "new-faults", path: "/portal/webhooks/new", then: func(b *tab) {
			b.fill("URL", "https://127.0.0.1.example/")
			b.press("Advanced")
			b.fill("Filter", "item.data.total >")
			b.fill("Most requests per second", "many")
			b.press("Create")
			b.sees("The form was not accepted")
		}},
		{name: "edit", path: webhook + "/edit"},
		{name: "connect", path: "/portal/connect"},
		{name: "start", path: "/portal/start", empty: true},
		{name: "log", path: "/portal/log"},
		{name: "log-failed", path: "/portal/log?status=failed"},
		{name: "log-nothing", path: "/portal/log?itemId=none"},
		{name: "log-empty", path: "/portal/log", empty: true},
		{name: "delivery", path: "/portal/log/" + s.delivered, then: func(b *tab) {
			b.press("Show the payload")
			b.shows("Caffè Nazionale")
		}},
		{name: "delivery-failed", path: "/portal/log/" + s.failed},
		{name: "replays", path: "/portal/replays"},
		{name: "replays-empty", path: "/portal/replays", empty: true},
		{name: "replay", path: "/portal/replays/" + s.replay},
		{name: "replay-new", path: "/portal/replays/new"},
		{name: "recover", path: "/portal/replays/recover"},
		{name: "usage", path: "/portal/usage"},
		{name: "usage-weeks", path: "/portal/usage?range=30d"},
		{name: "usage-exceeded", path: "/portal/usage?exceeded=true"},
		{name: "usage-empty", path: "/portal/usage", empty: true},
		{name: "quarantine", path: "/portal/quarantine"},
		{name: "quarantine-empty", path: "/portal/quarantine", empty: true},
		{name: "quarantined", path: "/portal/quarantine/" + s.quarantined},
		{name: "quarantined-discard", path: "/portal/quarantine/" + s.quarantined, then: func(b *tab) { b.press("Discard"); b.opens() }},
		{name: "quarantine-send", path: "/portal/quarantine/send"},
		{name: "quarantine-discard", path: "/portal/quarantine/discard"},
		{name: "redrives", path: "/portal/quarantine/redrives"},
		{name: "notifications", path: "/portal/notifications"},
		{name: "notifications-empty", path: "/portal/notifications", empty: true},
		{name: "members", path: "/portal/settings"},
		{name: "members-empty", path: "/portal/settings", empty: true},
		{name: "members-new", path: "/portal/settings?new", then: (*tab).opens},
		{name: "keys", path: "/portal/settings/keys"},
		{name: "keys-new", path: "/portal/settings/keys?new", then: (*tab).opens},
		{name: "limits", path: "/portal/settings/limits"},
		{name: "stores", path: "/portal/settings/stores"},
		{name: "stores-new", path: "/portal/settings/stores?new", then: (*tab).opens},
		{name: "schemas", path: "/portal/settings/schemas"},
		{name: "schemas-new", path: "/portal/settings/schemas?new", then: (*tab).opens},
		{name: "links", path: "/portal/settings/links"},
		{name: "audit", path: "/portal/audit"},
	}
	if *viewsOnly == "" {
		return all
	}
	return slices.DeleteFunc(all, func(one view) bool { return !slices.Contains(strings.Split(*viewsOnly, ","), one.name) })
}

// opens waits for a dialog.
func (b *tab) opens() {
	b.t.Helper()
	b.waits("no dialog opens", `document.querySelector("dialog:modal")`)
}

// visits opens views one after the other in a tab for each kind of visitor.
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

// lately is long enough ago for all that a test did, as a filter has it.
func lately() string { return time.Now().Add(-time.Hour).UTC().Format(time.RFC3339) }
