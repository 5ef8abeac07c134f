package api

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/notice"
)

// readNotices reads what an operational webhook is told of; empty: it is none; nil: the
// body does not say, or has a fault there.
func readNotices(d *document) []hook.Notice {
	choices := append([]hook.Notice{hook.AnyNotice}, hook.Notices...)
	before := len(d.faults.found)
	texts, ok := d.texts("notices", 0, len(hook.Notices), func(text string) (string, string) {
		if !slices.Contains(choices, hook.Notice(text)) {
			return "", "must be " + oneOf(choices)
		}
		return text, ""
	})
	if !ok {
		return nil
	}
	if len(texts) > 1 && slices.Contains(texts, string(hook.AnyNotice)) {
		d.fault("notices", strings.Join(texts, ", "), "must be * alone or names without *")
	}
	if len(texts) == 0 && len(d.faults.found) > before {
		return nil // it does not say that there are none
	}
	notices := make([]hook.Notice, len(texts))
	for i, text := range texts {
		notices[i] = hook.Notice(text)
	}
	return notices
}

// checkNotices refuses, of an operational webhook, settings that choose among changes
// of items, or say how those are told. What says the same as nothing does is taken.
func checkNotices(w *hook.Webhook) error {
	if !w.Operational() {
		return nil
	}
	var faults faultList
	for _, f := range []struct {
		name, value string
		given       bool
	}{
		{"itemTypes", strings.Join(w.ItemTypes, ", "), len(w.ItemTypes) > 0},
		{"eventTypes", strings.Join(words(w.EventTypes), ", "), len(w.EventTypes) > 0},
		{"stores", strconv.Itoa(len(w.Stores)) + " stores", len(w.Stores) > 0},
		{"filter", w.Filter, w.Filter != ""},
		{"ordering", string(w.Ordering), w.Ordering != hook.Unordered},
		{"coalesce", string(w.Coalesce), w.Coalesce != hook.CoalesceNone},
		{"payload", string(w.Payload), w.Payload != hook.Thin},
	} {
		if f.given {
			faults.add(f.name, f.value, "must be left out beside notices: an operational webhook gets no changes of items")
		}
	}
	if w.Format != hook.FormatStandard && w.Format != hook.FormatCloudEvents {
		faults.add("format", string(w.Format), "must be standard or cloudevents beside notices")
	}
	return faults.err()
}

// sampleNotices are made-up notices of each kind that an operational webhook is told
// of, about a webhook that is not there.
func sampleNotices(w *hook.Webhook, now time.Time) []hook.Event {
	kinds := w.Notices
	if slices.Contains(kinds, hook.AnyNotice) {
		kinds = hook.Notices
	}
	events := make([]hook.Event, len(kinds))
	for i, kind := range kinds {
		n := hook.Notification{ID: newID("ntf_", now), Account: w.Account, Notice: kind, Webhook: testItem, Detail: "a test", CreatedAt: now}
		switch kind {
		case hook.NoticeFailing, hook.NoticeRecovered:
			n.Count = 10
		case hook.NoticeDisabled:
			n.Count = 50
		case hook.NoticeExpiring:
			n.Count = 1
		}
		events[i] = notice.Event(n)
		events[i].Items[0].ID = testItem
	}
	return events
}
