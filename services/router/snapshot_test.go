package router_test

import (
	"context"
	"sync"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/router"
)

// accounts is a snapshot that the test writes. Sync waits for awake.
type accounts struct {
	awake, ready chan struct{}

	mu    sync.Mutex
	known map[string]*router.Index
	asked map[string]bool
}

func newAccounts(known ...hook.AccountState) *accounts {
	s := &accounts{awake: make(chan struct{}), ready: make(chan struct{}), known: map[string]*router.Index{}, asked: map[string]bool{}}
	close(s.ready)
	for _, k := range known {
		s.set(k)
	}
	return s
}

func (s *accounts) set(a hook.AccountState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[a.Account.ID] = router.NewIndex(a)
}

func (s *accounts) Account(id string) (*router.Index, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[id] = true
	index, ok := s.known[id]
	return index, ok
}

// unknown is how many accounts were asked for and are not known.
func (s *accounts) unknown() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.asked {
		if s.known[id] == nil {
			n++
		}
	}
	return n
}

func (s *accounts) Sync(ctx context.Context) error {
	select {
	case <-s.awake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *accounts) Ready() <-chan struct{} { return s.ready }
func (s *accounts) Versions() int64        { return 0 }

// account is one with a webhook for everything.
func account(id string, webhooks ...string) hook.AccountState {
	s := hook.AccountState{Account: hook.Account{ID: id, Name: id, Version: 1}}
	for _, w := range append([]string{"wh_" + id}, webhooks...) {
		s.Webhooks = append(s.Webhooks, hook.Webhook{
			ID: w, Account: id, Status: hook.Active, ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes,
		})
	}
	return s
}
