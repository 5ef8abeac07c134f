package chaos

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/staffetta/staffetta/services/bench"
)

// tenant is an account with the ids of its webhooks, all of which get all of its
// events.
type tenant struct {
	account  string
	webhooks []string
}

// accounts have a webhook of each kind, but the last one: it has only a quick one,
// so that an account is seen that none of its own receivers holds up.
const accounts = 4

// schedule is short, so that a failure is seen to be mended within the run, and
// long enough that none uses its attempts up.
var schedule = []string{"1s", "1s", "3s", "3s", "10s", "10s", "10s", "30s", "30s"}

// populate makes accounts and their webhooks and waits until they are live. The
// accounts are new ones: real servers may have others.
func (in *installation) populate(ctx context.Context, url string) ([]tenant, error) {
	ctx, cancel := context.WithTimeout(ctx, setUp)
	defer cancel()
	name := strings.ToLower(rand.Text()[:8])
	types := make([]string, len(subjects))
	for i, s := range subjects {
		types[i] = s.itemType
	}
	tenants := make([]tenant, accounts)
	for i := range tenants {
		t := &tenants[i]
		t.account = fmt.Sprintf("chaos-%s-%d", name, i)
		if err := in.api.call(ctx, http.MethodPost, "/v1/accounts", "", map[string]any{"id": t.account}, nil); err != nil {
			return tenants, err
		}
		wanted := kinds
		if i == accounts-1 {
			wanted = []kind{quick}
		}
		for _, k := range wanted {
			settings := map[string]any{
				"url": url + "/" + string(k) + "/" + t.account, "itemTypes": types, "retrySchedule": schedule,
			}
			if k == hanging {
				settings["timeout"] = hangTimeout.String()
			}
			var answer struct{ ID string }
			if err := in.api.call(ctx, http.MethodPost, "/v1/webhooks", t.account, settings, &answer); err != nil {
				return tenants, err
			}
			t.webhooks = append(t.webhooks, answer.ID)
		}
	}
	return tenants, in.awaitLive(ctx)
}

// removeTimeout bounds the removal of what was made on real servers.
const removeTimeout = 30 * time.Second

// remove deletes the accounts, so that real servers keep nothing but the log.
func (in *installation) remove(ctx context.Context, tenants []tenant) error {
	if in.servers.kind() == bench.Embedded {
		return nil // they go as a whole
	}
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	var faults error
	for _, t := range tenants {
		if len(in.members) == 0 || len(t.webhooks) == 0 {
			continue // there is nobody to ask, or nothing to remove
		}
		faults = errors.Join(faults, in.api.call(ctx, http.MethodDelete, "/v1/accounts/"+t.account, "", nil, nil))
	}
	return faults
}
