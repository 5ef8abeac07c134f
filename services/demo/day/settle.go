package day

import (
	"context"
	"time"

	"github.com/staffetta/staffetta/services/demo/rest"
)

// settle waits until all that is expected has arrived and the log says of nothing
// that it is under way, and tells when that was; or until nothing has changed for as
// long as patience lasts: then the comparison says what is missing.
func (r *receiver) settle(ctx context.Context, client *rest.Client, book *book, patience time.Duration) (time.Time, error) {
	const every = 250 * time.Millisecond
	moved, before := time.Now(), progress{}
	for {
		now := progress{}
		want := r.expected(book)
		complete := want != nil
		for i, b := range r.inboxes {
			got := len(b.all())
			now.arrived += got
			complete = complete && got >= want[i]
		}
		if complete {
			rows, err := r.logged(ctx, client)
			if err != nil {
				return time.Time{}, err
			}
			now.delivered = rows
			if total(want) <= rows {
				return time.Now(), nil
			}
		}
		if now != before {
			before, moved = now, time.Now()
		}
		if time.Since(moved) > patience {
			return moved, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-time.After(every):
		}
	}
}

// progress is how far the deliveries are.
type progress struct{ arrived, delivered int }

func total(counts []int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// expected is how many deliveries each webhook gets, by what the first one got; nil as
// long as that one lacks something that was answered.
func (r *receiver) expected(book *book) []int {
	events := r.inboxes[0].all()
	have := make(map[version]bool)
	for _, e := range events {
		for _, it := range e.items {
			have[version{it.ref, it.version}] = true
		}
	}
	for _, c := range book.changes {
		if !have[version{c.ref, c.version}] {
			return nil
		}
	}
	counts := make([]int, len(r.inboxes))
	for i, b := range r.inboxes {
		for _, e := range events {
			switch {
			case !b.wants(e.store):
			case b.perItem:
				counts[i] += len(e.items)
			default:
				counts[i]++
			}
		}
	}
	return counts
}

// version is one of an item.
type version struct {
	ref    string
	number int64
}
