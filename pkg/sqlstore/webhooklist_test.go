package sqlstore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// PostgreSQL makes no texts of JSON that has a character zero anywhere.
func TestAWebhookWhoseFilterHasACharacterZeroIsListed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		w := webhook("acme", "wh_zero")
		w.Filter, w.Description = "item.id == \"\x00\\\x00\\u0000\x00\x00\"", `\u0000 \\u0000`
		_, err := f.CreateWebhook(t.Context(), w)
		require.NoError(t, err)
		list, _, err := f.Webhooks(t.Context(), "acme", hook.WebhookFilter{Search: `\u0000 \\`}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, w.Filter, list[0].Filter)
	})
}

func TestWebhooksAreFoundByWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		f.webhook(t, "other", "wh_other")
		for id, change := range map[string]func(*hook.Webhook){
			"wh_all": func(w *hook.Webhook) {
				w.ItemTypes, w.Stores, w.EventTypes, w.Description = []string{"*"}, nil, hook.EventTypes, "PERCHÉ 100% Caffè_1"
			},
			"wh_odd": func(w *hook.Webhook) {
				w.ItemTypes, w.Stores, w.URL = []string{`x","Order`, `R&D "Lab"`}, []string{`1","2`}, "https://Shop.example.org/[a]*?"
			},
			"wh_one": func(w *hook.Webhook) {
				w.ItemTypes, w.Stores, w.EventTypes = []string{"InvoiceLine"}, []string{"7", "12"}, []hook.EventType{hook.Update}
			},
			"wh_two": func(w *hook.Webhook) { w.Status = hook.Paused },
			"wh_own": func(w *hook.Webhook) {
				w.ItemTypes, w.EventTypes, w.Stores, w.Notices, w.Description = nil, nil, nil, []hook.Notice{hook.AnyNotice}, ""
			},
			"wh_end": func(w *hook.Webhook) { w.Status, w.RevokedAt = hook.Revoked, start },
		} {
			w := webhook("acme", id)
			change(&w)
			_, err := f.CreateWebhook(t.Context(), w)
			require.NoError(t, err)
		}
		for _, c := range []struct {
			filter hook.WebhookFilter
			want   string
		}{
			{hook.WebhookFilter{}, "two own one odd all"},
			{hook.WebhookFilter{Search: "perché"}, "all"},
			{hook.WebhookFilter{Search: "caFFÈ"}, "all"},
			{hook.WebhookFilter{Search: "%"}, "all"},
			{hook.WebhookFilter{Search: "e_1"}, ""},
			{hook.WebhookFilter{Search: "è_1"}, "all"},
			{hook.WebhookFilter{Search: "é 100% c"}, "all"},
			{hook.WebhookFilter{Search: "shop.EXAMPLE"}, "odd"},
			{hook.WebhookFilter{Search: "/[A]*?"}, "odd"},
			{hook.WebhookFilter{Search: "WH_O"}, "own one odd"},
			{hook.WebhookFilter{Search: "invoiceline"}, "one"},
			{hook.WebhookFilter{Search: `"]`}, ""},
			{hook.WebhookFilter{Search: "nothing", SearchTypes: []string{"InvoiceLine", `x","Order`}}, "one odd"},
			{hook.WebhookFilter{Search: "till", Status: hook.Paused}, "two"},
			{hook.WebhookFilter{Search: "till", Status: hook.Revoked}, "end"},
			{hook.WebhookFilter{ItemType: "Contact"}, "two all"},
			{hook.WebhookFilter{ItemType: "*"}, "all"},
			{hook.WebhookFilter{ItemType: "Order"}, "all"},
			{hook.WebhookFilter{ItemType: `R&D "Lab"`}, "odd all"},
			{hook.WebhookFilter{ItemType: "contact"}, "all"},
			{hook.WebhookFilter{EventType: hook.Update}, "one all"},
			{hook.WebhookFilter{Store: "7"}, "two one all"},
			{hook.WebhookFilter{Store: "12"}, "one all"},
			{hook.WebhookFilter{Store: "2"}, "all"},
			{hook.WebhookFilter{ItemType: "Contact", EventType: hook.Create, Store: "7", Search: "till"}, "two"},
		} {
			list, next, err := f.Webhooks(t.Context(), "acme", c.filter, hook.Page{Limit: 10})
			require.NoError(t, err)
			require.Empty(t, next)
			var ids []string
			for _, w := range list {
				ids = append(ids, strings.TrimPrefix(w.ID, "wh_"))
			}
			require.Equal(t, c.want, strings.Join(ids, " "), "%+v", c.filter)
		}
	})
}

func TestWebhooksComeInEveryOrderPageByPage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		for i := range 12 {
			w := webhook("acme", fmt.Sprintf("wh_%02d", i))
			w.Description = []string{"Till", "till", "Bar", ""}[i%4]
			w.URL = "https://example.com/" + string(rune('a'+i%3))
			w.CreatedAt = start.Add(time.Duration(i/3) * time.Second)
			if i%2 == 1 {
				w.Status, w.SuspendedAt = hook.Paused, start.Add(time.Duration(i%3)*time.Hour)
			}
			_, err := f.CreateWebhook(t.Context(), w)
			require.NoError(t, err)
		}
		for sort, first := range map[hook.WebhookSort][2]string{
			hook.ByCreation: {"wh_11", "wh_00"}, hook.ByDescription: {"wh_03", "wh_09"}, hook.ByURL: {"wh_00", "wh_11"},
			hook.ByStatus: {"wh_00", "wh_11"}, hook.BySuspension: {"wh_11", "wh_03"}, hook.ByRevocation: {"wh_11", "wh_00"},
		} {
			for i, reverse := range []bool{false, true} {
				filter := hook.WebhookFilter{Sort: sort, Reverse: reverse}
				whole, _, err := f.Webhooks(t.Context(), "acme", filter, hook.Page{Limit: 100})
				require.NoError(t, err)
				require.Len(t, whole, 12)
				require.Equal(t, first[i], whole[0].ID, "%s %v", sort, reverse)
				for _, limit := range []int{1, 3, 5} {
					paged := walk(t, limit, func(p hook.Page) ([]hook.Webhook, string, error) {
						return f.Webhooks(t.Context(), "acme", filter, p)
					})
					require.Equal(t, whole, paged, "%s %v by %d", sort, reverse, limit)
				}
				if sort == hook.BySuspension {
					require.True(t, slices.IsSortedFunc(whole, func(a, b hook.Webhook) int {
						return boolInt(a.SuspendedAt.IsZero()) - boolInt(b.SuspendedAt.IsZero())
					}), "those never suspended are last")
				}
			}
		}
	})
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestACursorOfAnotherOrderIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		f.webhook(t, "acme", "wh_2")
		orders := []hook.WebhookFilter{
			{}, {Reverse: true}, {Sort: hook.ByDescription}, {Sort: hook.ByDescription, Reverse: true}, {Sort: hook.ByURL},
			{Sort: hook.ByStatus}, {Sort: hook.BySuspension}, {Sort: hook.ByRevocation},
		}
		for i, of := range orders {
			_, next, err := f.Webhooks(t.Context(), "acme", of, hook.Page{Limit: 1})
			require.NoError(t, err)
			for j, with := range orders {
				list, _, err := f.Webhooks(t.Context(), "acme", with, hook.Page{Limit: 1, After: next})
				if i == j {
					require.NoError(t, err)
					require.Len(t, list, 1)
					continue
				}
				var invalid hook.Invalid
				require.ErrorAs(t, err, &invalid, "%+v with a cursor of %+v", with, of)
				require.Equal(t, "cursor", invalid[0].Field)
			}
		}
		for _, broken := range []string{"x", "W10", "W251bGwsMSwiYSJd", "WyJ1cmwiLG51bGwsIndoIl0", "WyJ1cmwiLDEsIndoIl0", "WyJ1cmwiLCJcdTAwMDAiLCJ3aCJd"} {
			_, _, err := f.Webhooks(t.Context(), "acme", hook.WebhookFilter{Sort: hook.ByURL}, hook.Page{Limit: 1, After: broken})
			var invalid hook.Invalid
			require.ErrorAs(t, err, &invalid, broken)
		}
	})
}

// BenchmarkWebhooks reads the first page of an account with 10,000 webhooks, in each
// order and by filters that find much, little or nothing.
func BenchmarkWebhooks(b *testing.B) {
	db := openSQLite(b)
	store := sqlstore.New(db, newClock().Now)
	_, err := store.CreateAccount(b.Context(), hook.Account{ID: "acme", Name: "Acme"})
	require.NoError(b, err)
	w := webhook("acme", "wh_seed")
	w.Description, w.ItemTypes = "to be copied", []string{"Contact", "Invoice", "Receipt"}
	_, err = store.CreateWebhook(b.Context(), w)
	require.NoError(b, err)
	_, err = db.ExecContext(b.Context(), `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
		INSERT INTO webhooks (id, account, version, status, settings, created_at, resuming, awaited)
		SELECT 'wh_06h0c5ancmgc2352lm' || i, account, 1, CASE i % 10 WHEN 0 THEN 'paused' WHEN 1 THEN 'revoked' ELSE 'active' END,
			json_set(settings, '$.description', 'Shop ' || (i * 7919 % 10007) || ' tells the warehouse',
				'$.url', 'https://shop' || (i * 31 % 1000) || '.example.com/hooks/' || i, '$.suspendedAt', CASE i % 10 WHEN 0 THEN i ELSE 0 END),
			created_at + i, 0, 0 FROM webhooks, n WHERE id = 'wh_seed'`)
	require.NoError(b, err)
	for name, filter := range map[string]hook.WebhookFilter{
		"newest": {}, "oldest": {Reverse: true}, "description": {Sort: hook.ByDescription}, "url": {Sort: hook.ByURL, Reverse: true},
		"status": {Sort: hook.ByStatus}, "suspended": {Sort: hook.BySuspension, Reverse: true},
		"revoked": {Status: hook.Revoked, Sort: hook.ByRevocation}, "search/rare": {Search: "Shop 9973 "}, "search/none": {Search: "nowhere"},
		"search/none,accent": {Search: "perché"}, "search/frequent,description": {Search: "warehouse", Sort: hook.ByDescription},
		"type/none": {ItemType: "Vehicle"}, "store/none,url": {Store: "99", Sort: hook.ByURL},
		"all": {Search: "shop", ItemType: "Invoice", EventType: hook.Create, Store: "7", Status: hook.Paused, Sort: hook.ByURL},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _, err := store.Webhooks(b.Context(), "acme", filter, hook.Page{Limit: 50})
				require.NoError(b, err)
			}
		})
	}
}
