package router

import (
	"context"
	"hash/maphash"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// tellAgain is how soon a store that was told is told again, which mends whatever
	// became of the record: it was lost, or somebody removed the store since.
	tellAgain = 10 * time.Minute
	// maxTold bounds the stores that an intake remembers. At about 20 bytes each this is
	// 1 MB. What comes beyond makes it forget them all: they are told again.
	maxTold = 50_000
)

// sightings remembers which stores an intake has told, so that it tells each once in
// a while and not with each event. One goroutine uses it.
type sightings struct {
	seed maphash.Seed
	// told are hashes of accounts with a store. Should two share one, with a probability
	// of 10^-10 among 50,000, the second is told once the seed is another one.
	told map[uint64]struct{}
	// counts are the stores that were told, by account.
	counts map[string]int
	until  time.Time
}

// begin is called now and then with the time.
func (s *sightings) begin(now time.Time) {
	if !now.Before(s.until) {
		s.reset()
		s.until = now.Add(tellAgain)
	}
}

func (s *sightings) reset() {
	s.seed = maphash.MakeSeed()
	s.told = make(map[uint64]struct{})
	s.counts = make(map[string]int)
}

// first reports whether the store is to be told. It is not if it was told, or if so
// many of its account were that no more would be added: somebody makes stores up.
func (s *sightings) first(account, store string) bool {
	hash := s.hash(account, store)
	if _, known := s.told[hash]; known {
		return false
	}
	n := s.counts[account]
	if n >= hook.MaxStores {
		return false
	}
	if len(s.told) >= maxTold {
		s.reset()
		n = 0
		hash = s.hash(account, store)
	}
	s.told[hash] = struct{}{}
	s.counts[strings.Clone(account)] = n + 1 // it is part of the fetched record
	return true
}

func (s *sightings) hash(account, store string) uint64 {
	// The factor is any odd number: it matters which of the two is the account.
	return maphash.String(s.seed, account)*0x9e3779b97f4a7c15 ^ maphash.String(s.seed, store)
}

// sight tells the recorder of an event's store. Nothing waits for it to be written:
// if it is not, the store is told again.
func (in *intake) sight(ctx context.Context, event *hook.Event) {
	if event.Store == "" || !in.sightings.first(event.Account, event.Store) {
		return
	}
	in.service.metrics.sightings.Inc()
	_ = in.producer.Produce(ctx, bus.Record{
		Topic: bus.Stores, Partition: bus.AnyPartition, Key: []byte(event.Account), Value: []byte(event.Store),
	}, nil)
}
