package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// tenant is an account with its webhooks.
type tenant struct {
	account  string
	webhooks []webhook
}

// webhook is what is needed to make the requests that it gets.
type webhook struct {
	id, secret string
	// group of the receiver that counts them; "" is that of the plain path.
	group string
}

// target is where a webhook leads.
type target struct {
	url, group string
	// filter of the webhook; empty: none.
	filter string
}

// plain sends every webhook to the receiver's plain path.
func plain(r *receiver.Process) func(int) target {
	return func(int) target { return target{url: r.URL()} }
}

// settings are those of a webhook that differ from the API's defaults, by their
// names in the API.
type settings map[string]any

// spread says how many of so many webhooks each account has.
func spread(webhooks, accounts int) []int {
	counts := make([]int, accounts)
	for i := range counts {
		counts[i] = webhooks / accounts
		if i < webhooks%accounts {
			counts[i]++
		}
	}
	return counts
}

// makers is how many requests to the API are under way while an installation is
// filled.
const makers = 8

// quota is larger than any benchmark: it is looked at and never used up.
var quota = map[string]any{"calls": 1_000_000_000, "period": "1h"}

// populate makes cfg.Accounts accounts with cfg.Webhooks webhooks in all, and
// waits until they are live. to says where the webhook of a number leads; own
// settings may be nil. The accounts are new ones: servers may have others.
func (in *installation) populate(ctx context.Context, cfg Config, to func(number int) target, own settings) ([]tenant, error) {
	run := strings.ToLower(rand.Text()[:8])
	tenants := make([]tenant, cfg.Accounts)
	making, makingCtx := errgroup.WithContext(ctx)
	making.SetLimit(makers)
	number := 0
	for i, count := range spread(cfg.Webhooks, cfg.Accounts) {
		t, first := &tenants[i], number
		number += count
		making.Go(func() error {
			account := fmt.Sprintf("bench-%s-%d", run, i)
			body := map[string]any{"id": account, "quota": quota}
			if err := in.api.call(makingCtx, http.MethodPost, "/v1/accounts", "", body, nil); err != nil {
				return err
			}
			t.account = account
			for n := range count {
				w, err := in.subscribe(makingCtx, cfg, account, to(first+n), own)
				if err != nil {
					return err
				}
				t.webhooks = append(t.webhooks, w)
			}
			return nil
		})
	}
	if err := making.Wait(); err != nil {
		return tenants, err
	}
	return tenants, in.awaitLive(ctx)
}

func (in *installation) subscribe(ctx context.Context, cfg Config, account string, to target, own settings) (webhook, error) {
	types := make([]string, len(subjects))
	for i, s := range subjects {
		types[i] = s.itemType
	}
	body := map[string]any{"url": to.url, "itemTypes": types, "payload": cfg.Payload}
	if to.filter != "" {
		body["filter"] = to.filter
	}
	maps.Copy(body, own)
	var answer struct{ ID, Secret string }
	err := in.api.call(ctx, http.MethodPost, "/v1/webhooks", account, body, &answer)
	return webhook{id: answer.ID, secret: answer.Secret, group: to.group}, err
}

// removeTimeout bounds the removal of what was made on real servers.
const removeTimeout = 2 * time.Minute

// remove deletes the accounts at the end, so that real servers keep nothing but
// the log.
func (in *installation) remove(ctx context.Context, tenants []tenant) error {
	if in.servers == Embedded {
		return nil // they go as a whole
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	return in.revoke(ctx, tenants)
}

// revoke deletes the accounts that were made; what waits for their webhooks is
// cancelled when its time comes.
func (in *installation) revoke(ctx context.Context, tenants []tenant) error {
	var revoking errgroup.Group
	revoking.SetLimit(makers)
	for _, t := range tenants {
		if t.account != "" {
			revoking.Go(func() error {
				return in.api.call(ctx, http.MethodDelete, "/v1/accounts/"+t.account, "", nil, nil)
			})
		}
	}
	return revoking.Wait()
}
