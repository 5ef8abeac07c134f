package entity

import (
	"context"
	"sync"
)

// turns let the changes of each account come one after the other, before they ask for a
// connection: those that wait for the account's lock in the database would each hold one,
// and a few requests of one account would leave none to all others and to the relay.
// Between processes the lock remains what counts.
type turns struct {
	mu       sync.Mutex
	accounts map[string]*turn
}

// turn is that of one account, while somebody has it or waits for it.
type turn struct {
	taken chan struct{} // full while somebody has it
	users int           // who has it and who wait
}

func newTurns() *turns { return &turns{accounts: make(map[string]*turn)} }

// take waits for an account's turn, which lasts until done is called. The error is the
// cause of ctx's end.
func (t *turns) take(ctx context.Context, account string) (done func(), err error) {
	t.mu.Lock()
	one := t.accounts[account]
	if one == nil {
		one = &turn{taken: make(chan struct{}, 1)}
		t.accounts[account] = one
	}
	one.users++
	t.mu.Unlock()
	select {
	case one.taken <- struct{}{}:
		return func() {
			<-one.taken
			t.leave(account, one)
		}, nil
	case <-ctx.Done():
		t.leave(account, one)
		return nil, context.Cause(ctx)
	}
}

func (t *turns) leave(account string, one *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(t.accounts, account)
	}
}
