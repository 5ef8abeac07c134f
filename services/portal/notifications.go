package portal

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Notices is what the page of notifications shows.
type Notices interface {
	hook.Notifications
	// Webhook returns one of an account's, a revoked one too. hook.ErrNotFound.
	Webhook(ctx context.Context, account, id string) (hook.Webhook, error)
}

// notificationsShown is how many one page has.
const notificationsShown = 50

// notificationsPage is what the page of notifications shows.
type notificationsPage struct {
	AccountName string
	// Only is the webhook whose notifications are shown; empty: the account's.
	Only          string
	Notifications []shownNotification
	// Older is where the next page is; empty: there is none.
	Older string
}

type shownNotification struct {
	// Kind is a hook.Notice, for its text.
	Kind  string
	Count int64
	At    time.Time
	// Webhook, Name and URL are empty if it is about none. Name is its description, or
	// its id.
	Webhook, Name, URL string
	Detail             string
}

// showNotifications lists what members should know, to those with access to settings.
func (s *Service) showNotifications(w http.ResponseWriter, r *http.Request) {
	v, err := s.visitor(r)
	var p apiauth.Principal
	if err == nil {
		p, err = v.principal()
	}
	switch {
	case errors.Is(err, apiauth.ErrUnauthorized), errors.Is(err, apiauth.ErrNoAccount):
		s.goHome(w, r) // which shows what to do first
		return
	case err != nil:
		s.fail(w, r, "the notifications were not shown", err)
		return
	case !p.May(hook.ScopeSettings):
		s.tell(w, r, settingsOnly)
		return
	}
	only := validText(r.URL.Query().Get("webhook"))
	list, next, err := s.cfg.Notices.Notifications(r.Context(), p.Account, hook.NotificationFilter{Webhook: only},
		hook.Page{Limit: notificationsShown, After: validText(r.URL.Query().Get("cursor"))})
	var fault hook.Invalid
	switch {
	case errors.As(err, &fault): // a cursor that is none
		s.tell(w, r, notFound)
		return
	case err != nil:
		s.fail(w, r, "the notifications were not shown", err)
		return
	}
	page := notificationsPage{AccountName: v.current.AccountName, Only: only}
	if page.Notifications, err = s.showEach(r.Context(), p.Account, list); err != nil {
		s.fail(w, r, "the notifications were not shown", err)
		return
	}
	if next != "" {
		query := url.Values{"cursor": {next}}
		if only != "" {
			query.Set("webhook", only)
		}
		page.Older = s.home + "notifications?" + query.Encode()
	}
	s.show(w, http.StatusOK, s.pages[v.member().Language].notifications, page)
}

// showEach names the webhooks that notifications are about.
func (s *Service) showEach(ctx context.Context, account string, list []hook.Notification) ([]shownNotification, error) {
	shown := make([]shownNotification, len(list))
	about := map[string]hook.Webhook{}
	for i, n := range list {
		shown[i] = shownNotification{Kind: string(n.Notice), Count: n.Count, At: n.CreatedAt, Webhook: n.Webhook, Detail: n.Detail}
		if n.Webhook == "" {
			continue
		}
		h, known := about[n.Webhook]
		if !known {
			var err error
			// One that is not there any more keeps its id.
			if h, err = s.cfg.Notices.Webhook(ctx, account, n.Webhook); err != nil && !errors.Is(err, hook.ErrNotFound) {
				return nil, err
			}
			about[n.Webhook] = h
		}
		shown[i].Name = cmp.Or(h.Description, n.Webhook)
		if u, err := url.Parse(h.URL); err == nil && h.URL != "" {
			shown[i].URL = hook.ShownURL(u)
		}
	}
	return shown, nil
}

// leadToWebhook leads from the address of a webhook, which mails have, to what members
// were told of it.
func (s *Service) leadToWebhook(w http.ResponseWriter, r *http.Request) {
	query := url.Values{"webhook": {r.PathValue("id")}}
	http.Redirect(w, r, s.home+"notifications?"+query.Encode(), http.StatusSeeOther)
}
