package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Notification tells the members of an account something, as the API shows it.
type Notification struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind" enum:"webhook.failing,webhook.disabled,webhook.recovered,quota.exceeded,payloads.expiring"`
	Webhook   *string   `json:"webhook" doc:"Id of the webhook that it is about; null: the account."`
	Count     int64     `json:"count" doc:"Failures in a row, of webhook.recovered those that there were; of payloads.expiring, held deliveries; else 0."`
	Detail    string    `json:"detail" doc:"More, in words; may be empty."`
	CreatedAt time.Time `json:"createdAt"`
}

type notificationsInput struct {
	PageQuery
	Kind    string `query:"kind" enum:"webhook.failing,webhook.disabled,webhook.recovered,quota.exceeded,payloads.expiring"`
	Webhook string `query:"webhook" doc:"Id of a webhook."`
}

func showNotification(n hook.Notification) Notification {
	return Notification{
		ID: n.ID, Kind: string(n.Notice), Webhook: textOrNull(n.Webhook), Count: n.Count, Detail: n.Detail, CreatedAt: n.CreatedAt.UTC(),
	}
}

func (s *Service) notificationRoutes() {
	handle(s, huma.Operation{
		OperationID: "list-notifications", Method: http.MethodGet, Path: "/v1/notifications", Tags: []string{"notifications"},
		Summary: "List notifications", Description: "What members should know of webhooks and quota, newest first.",
	}, access{scope: hook.ScopeSettings}, nil, s.listNotifications)
}

func (s *Service) listNotifications(ctx context.Context, in *notificationsInput) (*listed[Notification], error) {
	filter := hook.NotificationFilter{Notice: hook.Notice(in.Kind), Webhook: in.Webhook}
	rows, next, err := s.cfg.Store.Notifications(ctx, principal(ctx).Account, filter, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showNotification), nil
}
