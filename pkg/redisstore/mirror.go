package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// pollInterval bounds how long a change stays unseen when its message was
	// lost (CONTRACT.md: 1 s).
	pollInterval = time.Second
	// maxPage is the most accounts read in one round trip, and pageBytes about
	// the most bytes: accounts may have 1 webhook of 300 bytes or 100,000.
	maxPage   = 1000
	pageBytes = 2 << 20
)

// Mirror follows the snapshot in memory. T is what its user makes of an
// account, such as an index for matching. It keeps what it has through any
// loss of Redis.
type Mirror[T any] struct {
	rdb     redis.UniversalClient
	log     *zap.Logger
	compile func(hook.AccountState) T
	// kept, unless nil, is told of what was compiled, once Account returns it.
	kept func(T)

	mu       sync.RWMutex
	accounts map[string]mirrored[T]
	versions int64

	ready     chan struct{}
	readyOnce sync.Once

	// syncs wakes the loop; each request is answered after a poll that began
	// after it was made.
	syncs chan chan error

	// The position of the loop.
	epoch  string
	cursor int64
	failed bool
}

type mirrored[T any] struct {
	version int64
	value   T
}

// NewMirror follows the snapshot once Run is called. compile is called for
// each account that is new or changed, from one goroutine.
func NewMirror[T any](c *Client, log *zap.Logger, compile func(hook.AccountState) T) *Mirror[T] {
	return &Mirror[T]{
		rdb:      c.rdb,
		log:      log,
		compile:  compile,
		accounts: map[string]mirrored[T]{},
		ready:    make(chan struct{}),
		syncs:    make(chan chan error),
	}
}

// OnKept has a function called, before Run, with each account that is new or
// changed once Account returns it; from one goroutine.
func (m *Mirror[T]) OnKept(kept func(T)) { m.kept = kept }

// Account returns what was compiled of an account, also of a deleted one. An
// account that is not there may merely not have been seen yet: see Sync.
func (m *Mirror[T]) Account(id string) (value T, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	found, ok := m.accounts[id]
	return found.value, ok
}

// Versions is the sum of the versions of all accounts that are known. It only
// rises; compared with that of the system of record it says whether the mirror
// is behind.
func (m *Mirror[T]) Versions() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.versions
}

// Ready is closed when a complete snapshot has been read for the first time.
func (m *Mirror[T]) Ready() <-chan struct{} { return m.ready }

// Sync returns when the mirror has read a complete snapshot that is at least as
// new as the call. It waits for Redis as long as it takes, until ctx ends.
func (m *Mirror[T]) Sync(ctx context.Context) error {
	for {
		answer := make(chan error, 1)
		select {
		case m.syncs <- answer:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		select {
		case err := <-answer:
			if err == nil {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		select {
		case <-time.After(pollInterval / 10):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Run follows the snapshot until ctx ends. It returns no other error: Redis
// being away is logged and waited out.
func (m *Mirror[T]) Run(ctx context.Context) error {
	subscription := m.rdb.Subscribe(ctx, changedChannel)
	defer subscription.Close()
	messages := subscription.Channel(redis.WithChannelSize(1000))
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	var waiting []chan error
	for {
		// One poll serves all that asked before it begins.
		for more := true; more; {
			select {
			case answer := <-m.syncs:
				waiting = append(waiting, answer)
			case <-messages:
			default:
				more = false
			}
		}
		err := m.follow(ctx)
		m.report(ctx, err)
		for _, answer := range waiting {
			answer <- err
		}
		waiting = nil
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
		case <-messages:
		case answer := <-m.syncs:
			waiting = append(waiting, answer)
		}
	}
}

func (m *Mirror[T]) report(ctx context.Context, err error) {
	if ctx.Err() != nil || (err != nil) == m.failed {
		return
	}
	m.failed = err != nil
	select {
	case <-m.ready:
	default:
		if m.failed {
			m.log.Info("waiting for the first snapshot of the webhooks", zap.Error(err))
			return
		}
	}
	if m.failed {
		m.log.Warn("webhook snapshot cannot be read; going on with what is known", zap.Error(err))
		return
	}
	m.log.Info("webhook snapshot is read", zap.Int("accounts", m.size()))
}

func (m *Mirror[T]) size() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.accounts)
}

// follow reads what changed since the last call, or everything of a new epoch.
func (m *Mirror[T]) follow(ctx context.Context) error {
	epoch, err := currentEpoch(ctx, m.rdb)
	if err != nil {
		return err
	}
	there, err := read(ctx, m.rdb, epoch)
	if err != nil {
		return err
	}
	if !there.whole() {
		return fmt.Errorf("epoch %s has lost accounts: %w", epoch, ErrNoEpoch)
	}
	from, cursor := m.cursor, there.cursor
	if epoch != m.epoch || cursor < from {
		// A new epoch, or a replica that is behind: read it all; lower
		// versions are ignored.
		from = 0
	}
	if from < cursor {
		if err := m.take(ctx, epoch, from, cursor); err != nil {
			return err
		}
	}
	m.epoch, m.cursor = epoch, cursor
	m.readyOnce.Do(func() { close(m.ready) })
	return nil
}

// take takes over the accounts whose last change has a cursor in (from, to].
func (m *Mirror[T]) take(ctx context.Context, epoch string, from, to int64) error {
	ids, err := m.rdb.ZRangeByScore(ctx, changesKey(epoch), &redis.ZRangeBy{
		Min: "(" + strconv.FormatInt(from, 10), Max: "+inf",
	}).Result()
	if err != nil {
		return fmt.Errorf("read changes %d to %d from redis: %w", from, to, err)
	}
	for n := 1; len(ids) > 0; {
		n = min(n, len(ids))
		blobs, err := m.rdb.HMGet(ctx, accountsKey(epoch), ids[:n]...).Result()
		if err != nil {
			return fmt.Errorf("read accounts from redis: %w", err)
		}
		bytes := 0
		for i, value := range blobs {
			blob, ok := value.(string)
			if !ok {
				// Flushed between the two reads: the epoch is no more.
				return fmt.Errorf("account %q is announced but absent: %w", ids[i], ErrNoEpoch)
			}
			bytes += len(blob)
			state, err := decode([]byte(blob))
			if err != nil {
				return err
			}
			m.keep(state)
		}
		ids = ids[n:]
		n = nextPage(n, bytes)
	}
	return nil
}

// nextPage is how many accounts to read after so many had so many bytes: as many
// as fill a page if they are like those, but no more than four times as many,
// since the next may be larger.
func nextPage(accounts, bytes int) int {
	fitting := accounts * pageBytes / max(bytes, 1)
	return max(1, min(fitting, 4*accounts, maxPage))
}

func (m *Mirror[T]) keep(state hook.AccountState) {
	m.mu.RLock()
	known, ok := m.accounts[state.Account.ID]
	m.mu.RUnlock()
	if ok && known.version >= state.Account.Version {
		return
	}
	value := m.compile(state)
	m.mu.Lock()
	m.accounts[state.Account.ID] = mirrored[T]{version: state.Account.Version, value: value}
	m.versions += state.Account.Version - known.version
	m.mu.Unlock()
	if m.kept != nil {
		m.kept(value)
	}
}
