package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/hook"
)

// AuditEntry is an entry of the audit log as the API shows it.
type AuditEntry struct {
	HistoryEntry
	IP        *string `json:"ip" doc:"The client's address; null: there was none."`
	UserAgent *string `json:"userAgent" doc:"null: there was none."`
}

// HistoryEntry is a change of a webhook as its history shows it.
type HistoryEntry struct {
	ID        string    `json:"id" doc:"Counted for each account, without gaps."`
	At        time.Time `json:"at"`
	Actor     Actor     `json:"actor"`
	Operation string    `json:"operation" example:"pause-webhook" doc:"The operationId of what was asked for; of the system disable-webhook or activate-webhook; of the portal open-portal-link, sign-in, sign-out or refuse-sign-in."`
	Target    string    `json:"target" doc:"Id of what was changed."`
	Reason    *string   `json:"reason" doc:"Why the system did it; else null."`
	Changes   []Change  `json:"changes" nullable:"false"`
}

// Actor is who made a change.
type Actor struct {
	Type string  `json:"type" enum:"system,admin,key,portal,member"`
	ID   *string `json:"id" doc:"Of the key, the portal link or the member; else null."`
	Name *string `json:"name" doc:"Of the key or the member, as it was then; else null."`
}

// Change is a field that was changed.
type Change struct {
	Field  string          `json:"field"`
	From   json.RawMessage `json:"from" doc:"null: it had no value, or one that is secret."`
	To     json.RawMessage `json:"to" doc:"null: it has no value, or one that is secret."`
	Secret bool            `json:"secret,omitempty" doc:"true: the values are not told, only that they differ."`
}

// AuditQuery is what narrows the audit log.
type AuditQuery struct {
	PageQuery
	Actor     string    `query:"actor" maxLength:"100" doc:"Id of a key, a portal link or a member; or admin, or system."`
	Operation string    `query:"operation" maxLength:"100" doc:"An operationId."`
	Target    string    `query:"target" maxLength:"256" doc:"Id of what was changed."`
	From      time.Time `query:"from" doc:"At this time or later."`
	To        time.Time `query:"to" doc:"Before this time."`
}

type historyInput struct {
	PathID
	PageQuery
}

func (s *Service) auditRoutes() {
	handle(s, huma.Operation{
		OperationID: "list-audit-log", Method: http.MethodGet, Path: "/v1/audit-log", Tags: []string{"audit-log"},
		Summary: "List the changes of the account", Description: "Newest first. Scope: settings.",
	}, access{scope: hook.ScopeSettings}, nil, s.listAudit)
	handle(s, huma.Operation{
		OperationID: "list-webhook-history", Method: http.MethodGet, Path: "/v1/webhooks/{id}/history", Tags: []string{"webhooks"},
		Summary: "List the changes of a webhook", Description: "Newest first; also of a revoked one.", Errors: []int{http.StatusNotFound},
	}, access{scope: hook.ScopeRead}, nil, s.listHistory)
}

func (s *Service) listAudit(ctx context.Context, in *AuditQuery) (*listed[AuditEntry], error) {
	rows, next, err := s.cfg.Store.Audit(ctx, principal(ctx).Account, hook.AuditFilter{
		Actor: in.Actor, Operation: in.Operation, Target: in.Target, From: in.From, To: in.To,
	}, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showAudit), nil
}

func (s *Service) listHistory(ctx context.Context, in *historyInput) (*listed[HistoryEntry], error) {
	account := principal(ctx).Account
	if _, err := s.cfg.Store.Webhook(ctx, account, in.ID); err != nil {
		return nil, err
	}
	rows, next, err := s.cfg.Store.Audit(ctx, account, hook.AuditFilter{Target: in.ID}, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showHistory), nil
}

func showAudit(e hook.AuditEntry) AuditEntry {
	return AuditEntry{HistoryEntry: showHistory(e), IP: textOrNull(e.Origin.IP), UserAgent: textOrNull(e.Origin.UserAgent)}
}

func showHistory(e hook.AuditEntry) HistoryEntry {
	actor := e.Origin.Actor
	shown := HistoryEntry{
		ID: "aud_" + strconv.FormatInt(e.Number, 10), At: e.At.UTC(),
		Actor:     Actor{Type: string(actor.Kind), ID: textOrNull(actor.ID), Name: textOrNull(actor.Name)},
		Operation: e.Origin.Operation, Target: e.Target, Reason: textOrNull(e.Reason), Changes: make([]Change, len(e.Changes)),
	}
	for i, c := range e.Changes {
		shown.Changes[i] = Change{Field: c.Field, From: orNull(c.From), To: orNull(c.To), Secret: c.Secret}
	}
	return shown
}

func orNull(value json.RawMessage) json.RawMessage {
	if value == nil {
		return json.RawMessage("null")
	}
	return value
}
