package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// district is one run: accounts, some of whose receivers fall ill.
type district struct {
	*lab
	variant Variant
	// ill: they do fall ill.
	ill bool
	// result gets what was used and counted, and the number of events.
	result *Result
}

// measure makes the accounts, measures at a steady rate and at full rate, and
// removes the accounts again.
func (d *district) measure(ctx context.Context, runs *neighbourhood) (err error) {
	if err := d.settled(ctx); err != nil {
		return err
	}
	if err := d.r.Become(ctx, ill, receiver.OK); err != nil {
		return err
	}
	t := &trial{lab: d.lab}
	t.load.tenants, err = d.in.populate(ctx, d.cfg, func(n int) target {
		group := d.variant.group(n)
		return target{url: d.r.URLOf(receiver.OK, group), group: group}
	}, nil)
	defer func() {
		// Those who hang let go first: nobody is to wait for them.
		clean := context.WithoutCancel(ctx)
		err = errors.Join(err, d.r.Become(clean, ill, receiver.OK), d.in.revoke(clean, t.load.tenants))
	}()
	if err != nil {
		return err
	}
	if err := t.warmSteady(ctx); err != nil {
		return err
	}
	before, err := d.in.figures()
	if err != nil {
		return err
	}
	if d.ill {
		// Only now, with the clock about to run: their lanes are wide open.
		if err := d.r.Become(ctx, ill, d.variant.As); err != nil {
			return err
		}
	}
	if err := d.metered(d.result, func() error { return d.both(ctx, t, runs) }); err != nil {
		return err
	}
	return d.keptAll(before)
}

// both measures at a steady rate and then at full rate.
func (d *district) both(ctx context.Context, t *trial, runs *neighbourhood) error {
	steadily, fully := &runs.wellSteady, &runs.wellFull
	if d.ill {
		steadily, fully = &runs.besideSteady, &runs.besideFull
	}
	first, count := t.next, max(1, int(d.cfg.Rate*float64(d.cfg.Seconds)))
	one, err := t.steady(ctx, d.name("steady"), healthy, count, d.cfg.Rate)
	if err == nil {
		err = d.others(ctx, t, first, &one)
	}
	if err != nil {
		return err
	}
	*steadily = append(*steadily, one)
	from := t.next
	one, err = t.flood(ctx, d.name("full"), healthy, d.cfg.Events)
	if err == nil {
		err = d.others(ctx, t, from, &one)
	}
	if err != nil {
		return err
	}
	*fully = append(*fully, one)
	d.result.Events += t.next - first
	return nil
}

// name of a part.
func (d *district) name(pace string) string {
	if d.ill {
		return pace + "-beside-" + d.cfg.Variant
	}
	return pace + "-all-well"
}

// others notes what became of the deliveries to the other group: all arrive if
// they are well, and wait if they are not.
func (d *district) others(ctx context.Context, t *trial, from int, p *Part) error {
	want := t.load.deliveriesTo(ill, from, t.next-from)
	if d.ill {
		got, err := d.r.ProgressOf(ctx, ill)
		p.Pending = want - got.Deliveries
		return err
	}
	got, err := await(ctx, func(ctx context.Context) (int, error) {
		p, err := d.r.ProgressOf(ctx, ill)
		return p.Deliveries, err
	}, want, d.cfg.Patience)
	p.Lost += want - got
	return err
}

// errGivenUp says that the sender gave deliveries up which it had to keep.
var errGivenUp = errors.New("deliveries to receivers that are ill were given up")

// keptAll makes sure that what waits for the ill is still tried. The accounts of
// runs before this one are revoked: what waited for them is cancelled.
func (d *district) keptAll(before figures) error {
	now, err := d.in.figures()
	if err != nil {
		return err
	}
	if n := now.since(before).givenUp(); n > 0 {
		return fmt.Errorf("%w: %d", errGivenUp, n)
	}
	return nil
}
