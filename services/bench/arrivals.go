package bench

import (
	"context"
	"time"
)

// askEvery is how often the receiver is asked how much has arrived. Its clock
// tells when, so this is no error in what is measured.
const askEvery = 50 * time.Millisecond

// await waits until so many have arrived, or nothing did for as long as
// patience lasts; it returns how many.
func await(ctx context.Context, arrived func(context.Context) (int, error), want int, patience time.Duration) (int, error) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	got, moved := 0, time.Now()
	for {
		now, err := arrived(ctx)
		if err != nil {
			return got, err
		}
		if now != got {
			got, moved = now, time.Now()
		}
		if got >= want || time.Since(moved) > patience {
			return got, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return got, context.Cause(ctx)
		}
	}
}
