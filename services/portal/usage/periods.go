package usage

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// period is what was charged in one.
type period struct {
	// Webhook is empty for all of them together.
	Webhook, Name string
	From, To      time.Time
	// Day is set if it is a whole day of UTC, such as "2026-11-23".
	Day string
	// Minutes is how long another one is.
	Minutes  int64
	Executed int64
	// Limited: there was a quota, of which Executable was left.
	Limited           bool
	Executable, Total int64
	Deferred, Dropped int64
	Exceeded          bool
}

func newPeriod(u *client.Usage) period {
	p := period{
		From: u.Period.From, To: u.Period.To, Executed: u.Executed, Deferred: u.Deferred, Dropped: u.Dropped, Exceeded: u.Exceeded,
	}
	if length := p.To.Sub(p.From); length == hook.Daily && p.From.Equal(p.From.Truncate(hook.Daily)) {
		p.Day = p.From.UTC().Format(time.DateOnly)
	} else {
		p.Minutes = int64(length / time.Minute)
	}
	if u.Executable != nil {
		p.Limited, p.Executable = true, *u.Executable
		p.Total = p.Executed + p.Executable
	}
	return p
}

// named names the webhooks of periods. known has the names of some, and gets the others.
func named(ctx context.Context, api *client.ClientWithResponses, list []client.Usage, known map[string]string) ([]period, error) {
	all := make([]period, len(list))
	for i := range list {
		all[i] = newPeriod(&list[i])
		if list[i].Webhook == nil {
			continue
		}
		id := *list[i].Webhook
		if known[id] == "" {
			got, err := page.Call(api.GetWebhookWithResponse(ctx, id))
			switch {
			case err == nil:
				known[id] = name(got.JSON200)
			case gone(err):
				known[id] = id
			default:
				return nil, err
			}
		}
		all[i].Webhook, all[i].Name = id, known[id]
	}
	return all, nil
}

// name is what a webhook is called: by its description, else by what it is told and where
// it leads.
func name(h *client.Webhook) string {
	if h.Description != "" {
		return h.Description
	}
	told := strings.Join(h.ItemTypes, ", ")
	if told == "*" {
		told = ""
	}
	where := ""
	if u, err := url.Parse(h.URL); err == nil {
		where = hook.ShownURL(u)
	}
	if told != "" && where != "" {
		return told + " → " + where
	}
	return cmp.Or(told, where, h.ID)
}
