package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// askEvery is how often a state that is waited for is looked at.
const askEvery = 50 * time.Millisecond

// await looks until all is as it should be, or nothing has moved for as long as
// patience lasts; done tells which.
func await(ctx context.Context, patience time.Duration, look func(context.Context) (at int, done bool, err error)) (done bool, err error) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	moved, last := time.Now(), 0
	for first := true; ; first = false {
		at, done, err := look(ctx)
		if err != nil || done {
			return done, err
		}
		if first || at != last {
			moved, last = time.Now(), at
		}
		if time.Since(moved) > patience {
			return false, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// freeAddresses are addresses of the loopback to listen on, all different. Their
// ports lie below those that systems take for outgoing connections (32768
// upward), so that each is still free when its owner is started again.
func freeAddresses(count int) ([]string, error) {
	const first, ports, tries = 20_000, 12_000, 1000
	var addresses []string
	for range tries {
		address := fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(ports))
		listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
		if err != nil {
			continue // somebody else's
		}
		defer listener.Close() // held until all are chosen
		if addresses = append(addresses, address); len(addresses) == count {
			return addresses, nil
		}
	}
	return nil, fmt.Errorf("found no %d free ports", count)
}
