package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// tenant is an account with its webhooks.
type tenant struct {
	account  string
	webhooks []webhook
}

// webhook is what is needed to make the requests that it gets.
type webhook struct{ id, secret string }

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

// populate makes accounts and their webhooks, all posting to url, and waits
// until they are live. The accounts are new ones: servers may have others.
func (in *installation) populate(ctx context.Context, cfg Config, url string) ([]tenant, error) {
	run := strings.ToLower(rand.Text()[:8])
	tenants := make([]tenant, cfg.Accounts)
	for i, count := range spread(cfg.Webhooks, cfg.Accounts) {
		t := &tenants[i]
		t.account = fmt.Sprintf("bench-%s-%d", run, i)
		if err := in.api.call(ctx, http.MethodPost, "/v1/accounts", "", map[string]any{"id": t.account}, nil); err != nil {
			return tenants, err
		}
		for range count {
			w, err := in.subscribe(ctx, cfg, t.account, url)
			if err != nil {
				return tenants, err
			}
			t.webhooks = append(t.webhooks, w)
		}
	}
	return tenants, in.awaitLive(ctx)
}

func (in *installation) subscribe(ctx context.Context, cfg Config, account, url string) (webhook, error) {
	types := make([]string, len(subjects))
	for i, s := range subjects {
		types[i] = s.itemType
	}
	var answer struct{ ID, Secret string }
	err := in.api.call(ctx, http.MethodPost, "/v1/webhooks", account, map[string]any{
		"url": url, "itemTypes": types, "payload": cfg.Payload,
	}, &answer)
	return webhook{id: answer.ID, secret: answer.Secret}, err
}

// removeTimeout bounds the removal of what was made on real servers.
const removeTimeout = 30 * time.Second

// remove deletes the accounts, so that real servers keep nothing but the log.
func (in *installation) remove(ctx context.Context, tenants []tenant) error {
	if in.servers == Embedded {
		return nil // they go as a whole
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	var faults error
	for _, t := range tenants {
		if t.webhooks != nil {
			faults = errors.Join(faults, in.api.call(ctx, http.MethodDelete, "/v1/accounts/"+t.account, "", nil, nil))
		}
	}
	return faults
}
