package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
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
	ofFew, _, err := p.viewed(ctx, parts, least, cfg.Patience)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := p.fill(ctx, parts, 0, p.early(), nil); err != nil {
		return err
	}
	result.Figures["fill_s"] = time.Since(begun).Seconds()
	ofAll, held, err := p.viewed(ctx, parts, p.early(), cfg.Patience)
	if err != nil {
		return err
	}
	webhooks := 0
	for _, count := range p.counts[:p.early()] {
		webhooks += count
	}
	result.Figures["router_bytes_per_webhook"] = held * mebibyte / float64(webhooks)
	costs, err := p.compare(ofFew, ofAll, least)
	if err != nil {
		return err
	}
	for name, c := range costs {
		result.Figures[name+"_ns_few"], result.Figures[name+"_ns_all"] = c.few, c.all
		if c.few > 0 {
			result.Ratios[name+"_all_per_few"] = c.all / c.few
		}
	}
	return nil
}

// view is what a router knows.
type view = *redisstore.Mirror[*router.Index]

// viewed mirrors Redis as the router does until it knows so many accounts, and
// returns its view of them, which changes no more, and how much memory, in MiB,
// that holds.
func (p population) viewed(ctx context.Context, parts *assembly.Parts, accounts int, patience time.Duration) (v view, held float64, err error) {
	before := liveHeap()
	v = redisstore.NewMirror(parts.Redis, parts.Log, router.NewIndex)
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- v.Run(following) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	_, err = await(ctx, func(context.Context) (int, error) { return int(v.Versions()), nil }, accounts, patience)
	if err == nil && v.Versions() < int64(accounts) {
		err = fmt.Errorf("the mirror has read %d of %d accounts", v.Versions(), accounts)
	}
	if err != nil {
		return nil, 0, err
	}
	held = liveHeap() - before
	runtime.KeepAlive(v)
	return v, held, nil
}

const (
	// fetched is how many events are measured at a time. Their bytes are at hand, as
	// after a fetch; their accounts are drawn anew each time, so that what the router
	// knows of them comes from wherever it lies. So few take a fraction of a
	// scheduler's slice, and the median leaves out those that lost the processor.
	fetched = 32
	// fetches is how often that is done with few and with all accounts, in turns, so
	// that both meet the same machine.
	fetches = 1600
	// toPartitions is how many the topic deliveries has, by default.
	toPartitions = 32
)

// compared is what an event costs with few accounts and with all, nanoseconds.
type compared struct{ few, all float64 }

// compare measures an event's "match", which is finding its account and the
// webhooks that want it, and its "route": all that the router does for it between
// its bytes and those of its bundles.
func (p population) compare(ofFew, ofAll view, least int) (map[string]compared, error) {
	var match, route [2][]float64
	bundler := router.NewBundler(toPartitions, nil)
	for n := range 2 * fetches {
		v, accounts := ofFew, least
		if n%2 == 1 {
			v, accounts = ofAll, p.early()
		}
		ns, err := p.matching(v, p.fetch(accounts), bundler)
		if err != nil {
			return nil, err
		}
		match[n%2] = append(match[n%2], ns)
		if ns, err = routing(v, p.fetch(accounts), bundler); err != nil {
			return nil, err
		}
		route[n%2] = append(route[n%2], ns)
	}
	return map[string]compared{
		"match": {few: median(match[0]), all: median(match[1])},
		"route": {few: median(route[0]), all: median(route[1])},
	}, nil
}

// fetch makes records of random ones of the first accounts.
func (p population) fetch(accounts int) []codec.Input {
	records := make([]codec.Input, fetched)
	for i := range records {
		from := load{tenants: []tenant{{account: p.id(rand.IntN(accounts))}}}
		at := time.Now()
		r := from.record(rand.IntN(items), at)
		records[i] = codec.Input{Value: r.Value, At: hook.Coordinates{Topic: r.Topic, Offset: int64(i)}, Time: at}
	}
	return records
}

// matching returns what finding the webhooks of an event takes.
func (p population) matching(v view, records []codec.Input, bundler *router.Bundler) (ns float64, err error) {
	events := make([]hook.Event, len(records))
	for i := range records {
		if events[i], err = codec.Decode(records[i]); err != nil {
			return 0, err
		}
	}
	begun := time.Now()
	for i := range events {
		index, ok := v.Account(events[i].Account)
		if !ok {
			return 0, fmt.Errorf("account %q is unknown", events[i].Account)
		}
		if _, err := bundler.Match(context.Background(), &events[i], index); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(begun).Nanoseconds()) / fetched, nil
}

// routing returns what an event takes from its record to those of its bundles.
func routing(v view, records []codec.Input, bundler *router.Bundler) (ns float64, err error) {
	written := make([]bus.Record, 0, 16*len(records)) // until they are all made
	begun := time.Now()
	for i := range records {
		event, err := codec.Decode(records[i])
		if err != nil {
			return 0, err
		}
		index, ok := v.Account(event.Account)
		if !ok {
			return 0, fmt.Errorf("account %q is unknown", event.Account)
		}
		if total, err := bundler.Match(context.Background(), &event, index); total == 0 || err != nil {
			continue
		}
		bundles, err := bundler.Records(&event)
		if err != nil {
			return 0, err
		}
		written = append(written, bundles...)
	}
	ns = float64(time.Since(begun).Nanoseconds()) / fetched
	runtime.KeepAlive(written)
	return ns, nil
}
