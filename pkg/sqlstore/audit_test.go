package sqlstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// told is an entry in one line: number, operation, target and what changed.
func told(e hook.AuditEntry) string {
	line := fmt.Sprintf("%d %s %s", e.Number, e.Origin.Operation, e.Target)
	if e.Reason != "" {
		line += " because of " + e.Reason
	}
	for _, c := range e.Changes {
		if c.Secret {
			line += fmt.Sprintf("; %s changed", c.Field)
			continue
		}
		line += fmt.Sprintf("; %s: %s -> %s", c.Field, c.From, c.To)
	}
	return line
}

func (f fixture) audit(t *testing.T, account string, filter hook.AuditFilter) []string {
	t.Helper()
	lines := []string{}
	for _, e := range walk(t, 3, func(p hook.Page) ([]hook.AuditEntry, string, error) { return f.Audit(t.Context(), account, filter, p) }) {
		require.Equal(t, account, e.Account)
		lines = append(lines, told(e))
	}
	return lines
}

func TestEveryChangeOfAnAccountIsInItsAuditLog(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		ctx := t.Context()
		f.account(t, "acme")
		_, err := f.UpdateAccount(ctx, "acme", func(a *hook.Account) error { a.Quota = &hook.Quota{Calls: 10, Period: time.Minute}; return nil })
		require.NoError(t, err)
		_, err = f.UpdateAccount(ctx, "acme", func(*hook.Account) error { return nil })
		require.NoError(t, err)
		require.NoError(t, f.CreateKey(ctx, hook.Key{ID: "key_1", Account: "acme", Name: "till", Scopes: []hook.Scope{hook.ScopeRead}, Hash: [32]byte{7}}))
		require.NoError(t, f.RevokeKey(ctx, "acme", "key_1"))
		require.ErrorIs(t, f.RevokeKey(ctx, "acme", "key_1"), hook.ErrNotFound)
		require.NoError(t, f.PutItemSchema(ctx, "acme", hook.ItemSchema{ItemType: "Invoice", Schema: []byte(`{}`)}))
		require.NoError(t, f.PutItemSchema(ctx, "acme", hook.ItemSchema{ItemType: "Invoice", Schema: []byte(`{}`)}))
		require.NoError(t, f.DeleteItemSchema(ctx, "acme", "Invoice"))
		w := hook.Webhook{
			ID: "wh_1", Account: "acme", Status: hook.Active, ItemTypes: []string{"*"}, EventTypes: hook.EventTypes, URL: "https://example.com/?key=hidden",
			Secrets: [][]byte{{1}}, Filter: "true", Timeout: time.Minute, CreatedAt: start,
		}
		_, err = f.CreateWebhook(ctx, w)
		require.NoError(t, err)
		r, err := f.CreateReplay(ctx, hook.Replay{ID: "rpl_1", Account: "acme", Webhook: "wh_1", From: start, To: start.Add(time.Hour), Rate: 5})
		require.NoError(t, err)
		_, err = f.AdvanceReplay(ctx, r)
		require.NoError(t, err)
		for range 2 {
			_, err = f.CancelReplay(ctx, "acme", "rpl_1")
			require.NoError(t, err)
		}
		_, err = f.ResumeReplay(ctx, "acme", "rpl_1")
		require.NoError(t, err)
		require.NoError(t, f.Note(hook.WithOrigin(ctx, hook.Origin{Operation: "retry-delivery"}), "acme", "dlv_1"))
		require.ErrorIs(t, f.Note(ctx, "nobody", "dlv_1"), hook.ErrNotFound)
		_, err = f.UpdateAccount(ctx, "acme", func(a *hook.Account) error { a.Streak = &hook.StreakRule{Notify: []int{3}}; return nil })
		require.NoError(t, err)
		for _, name := range []string{"Roma", "Roma", "Roma Termini"} {
			_, err = f.PutStore(ctx, "acme", "12", name)
			require.NoError(t, err)
		}
		require.NoError(t, f.DeleteStore(ctx, "acme", "12"))
		require.ErrorIs(t, f.DeleteStore(ctx, "acme", "12"), hook.ErrNotFound)
		own, nobodys, strangers := quarantined(1, "acme", "not_json"), quarantined(2, "", "not_json"), quarantined(3, "stranger", "unknown_account")
		f.quarantine(t, own, nobodys, strangers)
		for _, q := range []hook.Quarantined{own, nobodys, strangers} {
			for _, state := range []hook.QuarantineState{hook.Redriven, hook.Discarded, hook.Discarded} {
				_, err = f.SetQuarantined(ctx, "", q.ID, state)
				require.NoError(t, err)
			}
		}
		f.account(t, "other")

		require.Equal(t, []string{
			`17 discard-quarantined ` + own.ID + `; state: "redriven" -> "discarded"`,
			`16 redrive-quarantined ` + own.ID + `; state: "open" -> "redriven"`,
			`15 delete-store 12; name: "Roma Termini" -> `,
			`14 put-store 12; name: "Roma" -> "Roma Termini"`,
			`13 put-store 12; name:  -> "Roma"`,
			`12 update-account acme; streak:  -> {"disable":null,"notify":[3]}`,
			`11 retry-delivery dlv_1`,
			`10 resume-replay rpl_1; state: "cancelled" -> "running"`,
			`9 cancel-replay rpl_1; state: "running" -> "cancelled"`,
			`8 create-replay rpl_1; state:  -> "running"; webhook:  -> "wh_1"; from:  -> "2026-03-01T12:00:00Z"; to:  -> "2026-03-01T13:00:00Z"; rate:  -> 5`,
			`7 create-webhook wh_1; status:  -> "active"; itemTypes:  -> ["*"]; eventTypes:  -> ["create","update","delete"]; ` +
				`url:  -> "https://example.com/"; cloudevents:  -> "structured"; signature:  -> "hmac-sha256"; secret changed; timeout:  -> "1m"; ` +
				`onQuota:  -> "defer"; ordering:  -> "none"; coalesce:  -> "none"; filter changed`,
			`6 delete-item-schema Invoice; schema changed`,
			`5 put-item-schema Invoice; schema changed`,
			`4 revoke-api-key key_1; name: "till" -> ; scopes: ["read"] -> `,
			`3 create-api-key key_1; name:  -> "till"; scopes:  -> ["read"]`,
			`2 update-account acme; quota:  -> {"calls":10,"period":"1m"}`,
			`1 create-account acme; name:  -> "The acme"`,
		}, f.audit(t, "acme", hook.AuditFilter{}))
		require.Equal(t, []string{`1 create-account other; name:  -> "The other"`}, f.audit(t, "other", hook.AuditFilter{}))
	})
}

func TestAWebhooksHistoryTellsOfItsWholeLife(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		change := func(edit func(*hook.Webhook)) {
			t.Helper()
			_, err := f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(w *hook.Webhook) error { edit(w); return nil })
			require.NoError(t, err)
		}
		change(func(w *hook.Webhook) {
			w.URL, w.RetrySchedule, w.RateLimit = "https://example.com/other?token=hidden", []time.Duration{5 * time.Second}, 0
		})
		change(func(w *hook.Webhook) {
			w.URL = "https://example.com/other?token=seen"
			w.Secrets, w.Headers[0].Value, w.Auth.Secret, w.Filter = [][]byte{{9}}, []byte{9}, []byte{9}, "false"
		})
		change(func(w *hook.Webhook) { w.Status = hook.Paused })
		change(func(w *hook.Webhook) { w.Status = hook.Resuming })
		f.mark(t, "wh_1")
		require.NoError(t, f.FinishResuming(t.Context(), func(string) bool { return true }))
		gone := but(attempt(1), func(a *hook.Attempt) {
			a.Webhook, a.URL, a.Reason, a.StatusCode = "wh_1", "https://example.com/other", hook.ReasonGone, 410
		})
		f.record(t, gone)
		change(func(w *hook.Webhook) { w.Status = hook.Revoked })
		require.Equal(t, []string{
			`9 update-webhook wh_1; status: "disabled" -> "revoked"`,
			`8 disable-webhook wh_1 because of gone; status: "active" -> "disabled"`,
			`7 activate-webhook wh_1; status: "resuming" -> "active"`,
			`6 update-webhook wh_1; status: "paused" -> "resuming"`,
			`5 update-webhook wh_1; status: "active" -> "paused"`,
			`4 update-webhook wh_1; url changed; secret changed; headers changed; auth changed; filter changed`,
			`3 update-webhook wh_1; url: "https://example.com/hook" -> "https://example.com/other"; retrySchedule: ["1s","1h"] -> ["5s"]; rateLimit: 50 -> `,
		}, f.audit(t, "acme", hook.AuditFilter{Target: "wh_1"})[:7])
		got, err := f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		require.Empty(t, got.Filter)
		require.Equal(t, "https://example.com/other", got.URL, "without what may be secret")
	})
}

func TestADeletedAccountsAuditLogEndsWithItsDeletion(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		require.Equal(t, []string{
			`4 delete-account acme; name: "The acme" -> `,
			`3 delete-account wh_1; status: "active" -> "revoked"`,
		}, f.audit(t, "acme", hook.AuditFilter{Operation: "delete-account"}))
	})
}

func TestAnEntrySaysWhoAndFromWhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		by := func(o hook.Origin) context.Context { return hook.WithOrigin(t.Context(), o) }
		key := hook.Origin{
			Actor: hook.Actor{Kind: hook.ActorKey, ID: "key_1", Name: "ti\x00ll"}, Operation: "test-webhook", IP: "2001:db8::1", UserAgent: "curl/8",
		}
		require.NoError(t, f.Note(by(key), "acme", "wh_1"))
		f.clock.Add(time.Hour)
		require.NoError(t, f.Note(by(hook.Origin{Actor: hook.Actor{Kind: hook.ActorAdmin}, Operation: "retry-delivery"}), "acme", "dlv_1"))
		list, _, err := f.Audit(t.Context(), "acme", hook.AuditFilter{Actor: "key_1"}, hook.Page{Limit: 10})
		require.NoError(t, err)
		key.Actor.Name = "ti\ufffdll"
		require.Equal(t, []hook.AuditEntry{{Account: "acme", Number: 2, At: start, Origin: key, Target: "wh_1", Changes: []hook.Change{}}}, list)

		for filter, want := range map[hook.AuditFilter][]string{
			{Actor: "admin"}:                           {"3 retry-delivery dlv_1"},
			{Actor: "key"}:                             {},
			{Actor: "system"}:                          {`1 create-account acme; name:  -> "The acme"`},
			{Operation: "test-webhook"}:                {"2 test-webhook wh_1"},
			{Target: "dlv_1"}:                          {"3 retry-delivery dlv_1"},
			{From: start.Add(time.Hour)}:               {"3 retry-delivery dlv_1"},
			{To: start.Add(time.Hour), Target: "wh_1"}: {"2 test-webhook wh_1"},
		} {
			require.Equal(t, want, f.audit(t, "acme", filter), "%+v", filter)
		}
		_, _, err = f.Audit(t.Context(), "acme", hook.AuditFilter{}, hook.Page{Limit: 1, After: "nonsense"})
		require.ErrorAs(t, err, new(hook.Invalid))
	})
}

// Neither is there without the other.
func TestAChangeThatFailsLeavesNoEntry(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		_, err := f.CreateWebhook(t.Context(), webhook("acme", "wh_1"))
		require.ErrorIs(t, err, hook.ErrConflict)
		_, err = f.CreateAccount(t.Context(), hook.Account{ID: "acme", Name: "again"})
		require.ErrorIs(t, err, hook.ErrConflict)
		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_1", 9, func(w *hook.Webhook) error { w.RateLimit++; return nil })
		require.ErrorIs(t, err, hook.ErrStale)
		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(*hook.Webhook) error { return nil })
		require.NoError(t, err)
		require.Len(t, f.audit(t, "acme", hook.AuditFilter{}), 2)
	})
}

func TestEntriesAreNumberedWithoutGapsHoweverManyWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		const writers, times = 4, 5
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range times {
					if _, err := f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(w *hook.Webhook) error { w.Concurrency++; return nil }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		list, _, err := f.Audit(t.Context(), "acme", hook.AuditFilter{}, hook.Page{Limit: 100})
		require.NoError(t, err)
		require.Len(t, list, 2+writers*times)
		for i, e := range list {
			require.EqualValues(t, len(list)-i, e.Number)
		}
	})
}
