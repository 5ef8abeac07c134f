package chaos

import (
	"context"
	"fmt"
	"time"
)

// maxPause is the longest time between two rounds, at random, so that blows fall
// at any moment of what services do periodically.
const maxPause = time.Second

// clock is the time of day as progress shows it.
const clock = "15:04:05.000"

// rounds deals the blows.
func (r *run) rounds(ctx context.Context) error {
	if err := r.healthy(ctx); err != nil {
		return err
	}
	cards := newDeck(r.random, strokes(r.in.servers, r.cfg.Only))
	for n := range r.cfg.Rounds {
		if !pause(ctx, time.Duration(r.random.Int64N(int64(maxPause)))) {
			return context.Cause(ctx)
		}
		b, err := r.strike(ctx, cards.deal())
		if err != nil {
			return fmt.Errorf("round %d: %w", n+1, err)
		}
		left, err := r.recover(ctx, b.to, recovery)
		if err != nil {
			return err
		}
		b.healthy = time.Now()
		r.blows = append(r.blows, b)
		r.note(n+1, b, left)
	}
	return nil
}

// healthy waits until everything flows, before anything happens.
func (r *run) healthy(ctx context.Context) error {
	left, err := r.recover(ctx, time.Now(), setUp)
	if err == nil && left != "" {
		err = fmt.Errorf("before anything happened, and after %s: %s", setUp, left)
	}
	return err
}

// strike lets a blow fall and starts again what it ended.
func (r *run) strike(ctx context.Context, s stroke) (blow, error) {
	b := blow{stroke: s, name: s.part, from: time.Now()}
	members := r.in.of(s.part)
	var err error
	switch {
	case s.how == flushed:
		err = flush(ctx, r.cfg.RedisURL)
		b.to = time.Now()
	case len(members) == 0:
		err = r.in.servers.stop(ctx, s.part, s.how)
		b.to = time.Now()
		if err == nil {
			err = r.in.servers.start(ctx, s.part)
		}
	default:
		m := members[r.random.IntN(len(members))]
		b.name = m.name
		if s.how == killed {
			b.from, b.to = m.process.kill()
		} else {
			var fault string
			b.from, fault = m.process.stop()
			b.to = b.from
			r.in.fault(m, fault)
		}
		err = r.in.start(m)
	}
	b.back = time.Now()
	return b, err
}

// recover waits until all services are ready and what was published after a
// moment flows in every stream, but no longer than limit. It returns what is left
// to wait for then; nothing is well.
func (r *run) recover(ctx context.Context, since time.Time, limit time.Duration) (left string, err error) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	deadline := time.Now().Add(limit)
	for {
		if err := r.in.revive(); err != nil {
			return "", err
		}
		stale := r.ledger.stale(since)
		if stale == 0 {
			ready := r.in.ready(ctx)
			if ready == len(r.in.members) {
				return "", nil
			}
			left = fmt.Sprintf("%d of %d services are ready", ready, len(r.in.members))
		} else {
			left = fmt.Sprintf("nothing new has arrived in %d streams", stale)
		}
		if time.Now().After(deadline) {
			return left, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// note counts a round and tells of it.
func (r *run) note(round int, b blow, left string) {
	if r.result.Blows == nil {
		r.result.Blows = map[string]int{}
	}
	took := b.healthy.Sub(b.from)
	r.result.Blows[b.String()]++
	r.result.SlowestRecovery = max(r.result.SlowestRecovery, took.Seconds())
	state := "healthy after " + took.Round(10*time.Millisecond).String()
	if left != "" {
		r.result.Unhealthy++
		state = "after " + took.Round(10*time.Millisecond).String() + " " + left
	}
	finished, expected := r.ledger.progress()
	r.tell("round %d of %d: %s %s; %s; %d of %d delivered", round, max(r.cfg.Rounds, 1), b.how, b.name, state, finished, expected)
}

// tell says how far the run is.
func (r *run) tell(format string, values ...any) {
	if r.cfg.Progress != nil {
		// Who does not read it misses nothing that is not in the result.
		_, _ = fmt.Fprintf(r.cfg.Progress, time.Now().Format(clock)+" "+format+"\n", values...)
	}
}
