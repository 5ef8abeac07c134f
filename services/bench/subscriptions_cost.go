package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/services/assembly"
	"github.com/staffetta/staffetta/services/router"
)

// few is how many accounts are compared with all: 1,000 webhooks at 100 each.
const few = 10

// cost measures what the router's view of the accounts takes: in memory with all
// of them but the late, and for an event with a few and with all.
func (p population) cost(ctx context.Context, parts *assembly.Parts, cfg Config, result *Result) error {
	least := min(few, p.early())
	if err := p.fill(ctx, parts, 0, least, nil); err != nil {
		return err
	}
	withFew, _, err := p.viewed(ctx, parts, least, cfg.Patience)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := p.fill(ctx, parts, 0, p.early(), nil); err != nil {
		return err
	}
	result.Figures["fill_s"] = time.Since(begun).Seconds()
	withAll, held, err := p.viewed(ctx, parts, p.early(), cfg.Patience)
	if err != nil {
		return err
	}
	webhooks := 0
	for _, count := range p.counts[:p.early()] {
		webhooks += count
	}
	result.Figures["router_bytes_per_webhook"] = held * mebibyte / float64(webhooks)
	result.Figures["match_ns_few"], result.Figures["match_ns_all"] = withFew, withAll
	if withFew > 0 {
		result.Ratios["match_all_per_few"] = withAll / withFew
	}
	return nil
}

// viewed mirrors Redis as the router does, and returns what an event costs and
// how much memory, in MiB, the view holds.
func (p population) viewed(ctx context.Context, parts *assembly.Parts, accounts int, patience time.Duration) (ns, held float64, err error) {
	before := liveHeap()
	mirror := redisstore.NewMirror(parts.Redis, parts.Log, router.NewIndex)
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- mirror.Run(following) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	_, err = await(ctx, func(context.Context) (int, error) { return int(mirror.Versions()), nil }, accounts, patience)
	if err == nil && mirror.Versions() < int64(accounts) {
		err = fmt.Errorf("the mirror has read %d of %d accounts", mirror.Versions(), accounts)
	}
	if err != nil {
		return 0, 0, err
	}
	held = liveHeap() - before
	ns = p.matchCost(mirror, accounts)
	runtime.KeepAlive(mirror)
	return ns, held, nil
}

// matchCost is the time, in nanoseconds, that finding the webhooks of an event
// takes, of random ones of the first accounts.
func (p population) matchCost(mirror router.Snapshot, accounts int) float64 {
	const (
		different = 1 << 14
		rounds    = 1 << 20
	)
	events := make([]hook.Event, different)
	for i := range events {
		events[i] = hook.Event{
			Account: p.id(rand.IntN(accounts)), Type: hook.Update, ItemType: subjects[rand.IntN(len(subjects))].itemType,
		}
	}
	matched := 0
	begun := time.Now()
	for n := range rounds {
		e := &events[n%different]
		if index, ok := mirror.Account(e.Account); ok {
			index.Match(e, func(string) { matched++ })
		}
	}
	took := time.Since(begun)
	runtime.KeepAlive(matched)
	return float64(took.Nanoseconds()) / rounds
}
