// Package notifications is the page that tells members with access to settings what
// happened to their webhooks and quotas.
package notifications

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/deliveries"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

//go:embed *.html
var files embed.FS

// shown is how many one page has.
const shown = 50

type service struct {
	kit  *page.Kit
	list *page.Template
}

// Register adds the page. The error is a defect of its template.
func Register(mux *http.ServeMux, k *page.Kit) error {
	s := &service{kit: k}
	var err error
	if s.list, err = k.Template(files, "notifications.html", "notifications", words, deliveries.ReasonWords); err != nil {
		return err
	}
	mux.HandleFunc("GET /portal/notifications", k.Read(hook.ScopeSettings, s.show))
	return nil
}

// content is what the page shows.
type content struct {
	// Only is the webhook whose notifications are shown; empty: the account's.
	Only string
	// Kind is the one that is shown; empty: every one. Kinds are all that there are.
	Kind          hook.Notice
	Kinds         []hook.Notice
	Notifications []notification
	// Newest and Older are where other pages are; empty: there are none.
	Newest, Older string
}

type notification struct {
	// Kind is a hook.Notice, for its text.
	Kind  string
	Count int64
	At    time.Time
	// Webhook, Name and URL are empty if it is about none. Name is its description,
	// or where it leads, or its id.
	Webhook, Name, URL string
	// Code is that of the last answer; Reason why there was none, and Detail more of it.
	Code, Reason, Detail string
}

func (s *service) show(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	query := r.URL.Query()
	only, kind, cursor := query.Get("webhook"), query.Get("kind"), query.Get("cursor")
	limit := int64(shown)
	params := &client.ListNotificationsParams{Limit: &limit}
	if only != "" {
		params.Webhook = &only
	}
	if kind != "" {
		params.Kind = (*client.ListNotificationsParamsKind)(&kind)
	}
	if cursor != "" {
		params.Cursor = &cursor
	}
	listed, err := page.Call(v.API.ListNotificationsWithResponse(r.Context(), params))
	if _, refused := page.Refused(err); refused { // a cursor or an id that is none
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if err != nil {
		return err
	}
	c := content{Only: only, Kind: hook.Notice(kind), Kinds: hook.Notices}
	if c.Notifications, err = told(r.Context(), v.API, listed.JSON200.Items); err != nil {
		return err
	}
	query = url.Values{}
	for name, value := range map[string]string{"webhook": only, "kind": kind} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if cursor != "" {
		c.Newest = s.kit.Path("notifications?" + query.Encode())
	}
	if next := listed.JSON200.Next; next != nil {
		query.Set("cursor", *next)
		c.Older = s.kit.Path("notifications?" + query.Encode())
	}
	return s.kit.Show(w, r, v, s.list, c)
}

// told says what each notification is about: its webhook by name, and its cause.
func told(ctx context.Context, api *client.ClientWithResponses, list []client.Notification) ([]notification, error) {
	all, known := make([]notification, len(list)), names.New(api)
	for i := range list {
		n := &list[i]
		all[i] = notification{Kind: string(n.Kind), Count: n.Count, At: n.CreatedAt, Detail: n.Detail}
		reason, _, _ := strings.Cut(n.Detail, ":")
		if code, ok := strings.CutPrefix(n.Detail, "the last answer was "); ok {
			all[i].Code = code
		} else if slices.Contains(hook.Reasons, hook.Reason(reason)) {
			all[i].Reason = reason
		}
		if n.Webhook == nil || *n.Webhook == "" {
			continue
		}
		h, err := known.Webhook(ctx, *n.Webhook)
		if err != nil {
			return nil, err
		}
		all[i].Webhook, all[i].Name = *n.Webhook, h.Name
		if !h.Unnamed() {
			all[i].URL = h.URL
		}
	}
	return all, nil
}
