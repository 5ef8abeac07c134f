package webhooks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

// setting is one of a webhook: what it is called, and what it is. Either Word, a text of
// the page, or Text, as it is; Code is for machines.
type setting struct {
	Label, Word, Text, Code string
	// List are several, one below the other.
	List []string
}

// subject is what a webhook is told of.
func subject(h *client.Webhook, n *labels) []setting {
	if len(h.Notices) > 0 {
		kinds := make([]string, len(h.Notices))
		for i, kind := range h.Notices {
			kinds[i] = string(kind)
		}
		return []setting{{Label: "set.notices", Code: strings.Join(kinds, ", ")}}
	}
	types := setting{Label: "set.types", Text: strings.Join(n.typeNames(h.ItemTypes), ", ")}
	if slices.Contains(h.ItemTypes, hook.AnyItemType) {
		types = setting{Label: "set.types", Word: "types.all"}
	}
	stores := setting{Label: "column.stores", Text: strings.Join(n.storeNames(h.Stores), ", ")}
	if len(h.Stores) == 0 {
		stores = setting{Label: "column.stores", Word: "stores.all"}
	}
	list := []setting{types, stores}
	if h.Filter != nil && *h.Filter != "" {
		list = append(list, setting{Label: "set.filter", Code: *h.Filter})
	}
	return list
}

// request is what a receiver gets.
func request(h *client.Webhook) []setting {
	list := []setting{{Label: "set.format", Word: "format." + string(h.Format)}}
	switch hook.Format(h.Format) {
	case hook.FormatRentman:
		list = append(list, setting{Label: "language", Word: "language." + string(h.Language)})
	case hook.FormatCloudEvents:
		list = append(list, setting{Label: "set.mode", Word: "mode." + string(h.Cloudevents)})
	}
	signed := hook.Format(h.Format) == hook.FormatStandard || hook.Format(h.Format) == hook.FormatCloudEvents
	if signed && len(h.Notices) == 0 {
		list = append(list, setting{Label: "set.payload", Word: "payload." + string(h.Payload)})
	}
	if signed {
		list = append(list, setting{Label: "set.signature", Word: "signature." + string(h.Signature)})
	}
	if h.PublicKey != nil && *h.PublicKey != "" {
		list = append(list, setting{Label: "set.publicKey", Code: *h.PublicKey})
	}
	list = append(list, setting{Label: "set.auth", Word: "auth." + string(h.Auth.Type)})
	if len(h.Headers) > 0 {
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(h.Headers)) {
			lines = append(lines, name+": "+h.Headers[name])
		}
		list = append(list, setting{Label: "set.headers", List: lines})
	}
	return list
}

// manner is how deliveries are made.
func manner(h *client.Webhook) []setting {
	retries := setting{Label: "set.retries", Word: "retries.none"}
	if len(h.RetrySchedule) > 0 {
		delays := make([]string, len(h.RetrySchedule))
		for i, delay := range h.RetrySchedule {
			delays[i] = readable(delay)
		}
		retries = setting{Label: "set.retries", Text: strings.Join(delays, ", ")}
	}
	rate := setting{Label: "set.rate", Word: "rate.none"}
	if h.RateLimit != nil && *h.RateLimit > 0 {
		rate = setting{Label: "set.rate", Text: fmt.Sprintf("%d/s", *h.RateLimit)}
	}
	concurrency := setting{Label: "set.concurrency", Word: "concurrency.auto"}
	if h.Concurrency > 0 {
		concurrency = setting{Label: "set.concurrency", Text: fmt.Sprint(h.Concurrency)}
	}
	list := []setting{retries, {Label: "set.timeout", Text: readable(h.Timeout)}, rate, concurrency}
	if len(h.Notices) == 0 {
		list = append(list,
			setting{Label: "set.ordering", Word: "ordering." + string(h.Ordering)},
			setting{Label: "set.coalesce", Word: "coalesce." + string(h.Coalesce)},
			setting{Label: "set.onQuota", Word: "onQuota." + string(h.OnQuota)})
	}
	return append(list, setting{Label: "set.onPause", Word: "onPause." + string(h.OnPause)})
}

// readable is a duration of the API with spaces, its units the same in every language:
// "1 h 30 min".
func readable(text string) string {
	d, err := time.ParseDuration(text)
	if err != nil {
		return text
	}
	var parts []string
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if n := d / unit.of; n > 0 {
			parts = append(parts, fmt.Sprintf("%d\u00a0%s", n, unit.name))
			d -= n * unit.of
		}
	}
	if len(parts) == 0 {
		return "0\u00a0s"
	}
	return strings.Join(parts, "\u00a0")
}
