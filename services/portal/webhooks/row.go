package webhooks

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

// few is how many item types or stores a row names; the rest are counted.
const few = 3

// row is a webhook as pages show it.
type row struct {
	ID, Description, URL, Status, Circuit string
	// Types and Stores are names. AllTypes and AllStores: all of them; Notices: it is
	// told of notifications instead.
	Types, Stores                []some
	MoreTypes, MoreStores        int
	AllTypes, AllStores, Notices bool
	Events                       []string
	Failures                     int64
	FailingSince                 time.Time
	Created, Suspended, Revoked  time.Time
	CanPause, CanResume, Gone    bool
}

// Name is its description, or else where it leads.
func (r row) Name() string {
	_, leads, _ := strings.Cut(r.URL, "://")
	return cmp.Or(r.Description, leads, r.ID)
}

// some is one of a list, of which the first is not set off from what is before.
type some struct {
	First bool
	Name  string
}

func newRow(w *client.Webhook, n *labels) row {
	r := row{
		ID: w.ID, Description: w.Description, URL: shownURL(w.URL), Status: string(w.Status),
		AllTypes: slices.Contains(w.ItemTypes, hook.AnyItemType), AllStores: len(w.Stores) == 0, Notices: len(w.Notices) > 0,
		Created: w.CreatedAt, Suspended: timeOf(w.SuspendedAt), Revoked: timeOf(w.RevokedAt), FailingSince: timeOf(w.FailingSince),
	}
	if !r.AllTypes {
		r.Types, r.MoreTypes = firstOf(n.typeNames(w.ItemTypes))
	}
	r.Stores, r.MoreStores = firstOf(n.storeNames(w.Stores))
	for _, event := range hook.EventTypes {
		if slices.Contains(w.EventTypes, client.WebhookEventTypes(event)) {
			r.Events = append(r.Events, string(event))
		}
	}
	if w.Circuit != nil {
		r.Circuit = string(*w.Circuit)
	}
	if w.Failures != nil {
		r.Failures = *w.Failures
	}
	switch hook.Status(w.Status) {
	case hook.Active, hook.Resuming:
		r.CanPause = true
	case hook.Paused, hook.Disabled:
		r.CanResume = true
	case hook.Revoked:
		r.Gone = true
	}
	return r
}

// shownURL leaves out of a URL in a list what may be secret in it.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return hook.ShownURL(u)
}

func firstOf(list []string) (first []some, more int) {
	for i, name := range list {
		if i == few && len(list) > few+1 {
			return first, len(list) - few
		}
		first = append(first, some{First: i == 0, Name: name})
	}
	return first, 0
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
