package bench

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/seal"
)

// population is very many accounts with webhooks that differ, made up as they
// are needed: all of them would take more memory than what is measured.
type population struct {
	run    string   // tells its ids from those of other runs
	counts []int    // webhooks of each account
	types  []string // item types, those that events are about first
	url    string
	secret string
	keys   seal.Keyring
}

// typesEach is how many item types a webhook names.
const typesEach = 3

func populationOf(cfg Config, url string, keys seal.Keyring) (population, error) {
	secret, err := format.NewSecret(hook.FormatStandard, hook.HMACSHA256)
	if err != nil {
		return population{}, err
	}
	p := population{
		run: strings.ToLower(rand.Text()[:8]), counts: spread(cfg.Webhooks, cfg.Accounts),
		url: url, secret: secret, keys: keys,
	}
	published := map[string]bool{}
	for _, s := range subjects {
		p.types = append(p.types, s.itemType)
		published[s.itemType] = true
	}
	for _, t := range catalogue.All() {
		if !published[t.Name] {
			p.types = append(p.types, t.Name)
		}
	}
	return p, nil
}

// id of an account.
func (p population) id(account int) string { return fmt.Sprintf("bench-%s-%d", p.run, account) }

// webhook makes one of an account, without its secret: of three item types, some
// of deletes alone, some of one store.
func (p population) webhook(account, number int) hook.Webhook {
	w := hook.Webhook{
		ID: fmt.Sprintf("wh_%s%08d%010d", p.run, account, number), Account: p.id(account),
		Status: hook.Active, URL: p.url, Format: hook.FormatStandard, Language: hook.English, Payload: hook.Thin,
		EventTypes: hook.EventTypes, RetrySchedule: hook.DefaultRetrySchedule, Timeout: hook.DefaultTimeout,
		OnPause: hook.Hold, OnQuota: hook.Defer,
		Ordering: hook.Unordered, Coalesce: hook.CoalesceNone,
	}
	for n := range typesEach {
		w.ItemTypes = append(w.ItemTypes, p.types[(number*typesEach+n)%len(p.types)])
	}
	switch number % 7 {
	case 3:
		w.EventTypes = []hook.EventType{hook.Delete}
	case 5:
		w.Stores = []string{fmt.Sprint(number)} // events of no store are visible to all
	}
	return w
}

// state is what Redis holds of an account.
func (p population) state(account int) (hook.AccountState, error) {
	s := hook.AccountState{Account: hook.Account{
		ID: p.id(account), Name: "Account " + fmt.Sprint(account), Version: 1,
		Quota: &hook.Quota{Calls: 1_000_000_000, Period: time.Hour},
	}}
	for n := range p.counts[account] {
		w := p.webhook(account, n)
		sealed, err := p.keys.Seal([]byte(p.secret), []byte(w.ID))
		if err != nil {
			return s, err
		}
		w.Secrets = [][]byte{sealed}
		s.Webhooks = append(s.Webhooks, w)
	}
	return s, nil
}

// yieldStates takes some accounts at a time.
type yieldStates = func([]hook.AccountState) error

// walk yields the accounts from … to-1, about 1,000 webhooks at a time.
func (p population) walk(from, to int, yield yieldStates) error {
	const enough = 1000
	var states []hook.AccountState
	webhooks := 0
	for account := from; account < to; account++ {
		s, err := p.state(account)
		if err != nil {
			return err
		}
		states = append(states, s)
		if webhooks += len(s.Webhooks); webhooks < enough {
			continue
		}
		if err := yield(states); err != nil {
			return err
		}
		states, webhooks = nil, 0
	}
	if len(states) == 0 {
		return nil
	}
	return yield(states)
}

// wanting is how many webhooks of an account want an event.
func (p population) wanting(account int, e *hook.Event) (count int) {
	for n := range p.counts[account] {
		if w := p.webhook(account, n); w.Wants(e) {
			count++
		}
	}
	return count
}
