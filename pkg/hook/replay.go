package hook

import (
	"context"
	"maps"
	"slices"
	"time"
)

// ReplayState is where a replay is in its life.
type ReplayState string

// The states of a replay.
const (
	ReplayRunning ReplayState = "running"
	// ReplayDone: it came to the end of its range.
	ReplayDone ReplayState = "done"
	// ReplayCancelled by a person; it can be resumed.
	ReplayCancelled ReplayState = "cancelled"
	// ReplayFailed: its webhook was revoked meanwhile.
	ReplayFailed ReplayState = "failed"
)

// ReplayStates lists every ReplayState.
var ReplayStates = []ReplayState{ReplayRunning, ReplayDone, ReplayCancelled, ReplayFailed}

// Limits and default of Replay.Rate.
const (
	DefaultReplayRate = 100
	MaxReplayRate     = 1000
)

// MaxRunningReplays is how many replays of an account run at a time, so that none
// takes those who run them from the others.
const MaxRunningReplays = 5

// Replay delivers again what happened in a time range. With a source it goes
// through that webhook's deliveries in the log, without one through the events
// themselves, as upstream published them.
type Replay struct {
	// ID is "rpl_" and 26 characters, rising with time.
	ID      string
	Account string
	// Webhook is the one that receives.
	Webhook string
	// Source is the webhook whose deliveries are meant; empty: every event that
	// Webhook's subscription covers.
	Source string
	// Statuses narrows the deliveries of Source to any of them; empty: all.
	Statuses []Fate
	// ItemTypes narrows to any of them; empty: all.
	ItemTypes []string
	// From (inclusive) and To (exclusive) bound the time at which Kafka took the
	// event.
	From, To time.Time
	// Rate is the most deliveries a second, reached within 5 s; 1 to
	// MaxReplayRate.
	Rate int
	// Run is that of all its deliveries, see Attempt.Run: when it was asked for, and
	// once it has begun above all runs that they had before.
	Run int64

	State ReplayState
	// Detail says why it failed; else empty.
	Detail   string
	Progress ReplayProgress
	// Revision rises with every note of its progress, from 1.
	Revision  int64
	CreatedAt time.Time
	UpdatedAt time.Time
	// EndedAt is when it ceased to run; zero while it does.
	EndedAt time.Time
}

// ReplayProgress says how far a replay is, and holds all that is needed to go on
// from there.
type ReplayProgress struct {
	// Begun says that what follows is known.
	Begun bool
	// Total is how many deliveries of the source, or else events of the topics,
	// were in its range when it began; Done is how many of those it has passed. What
	// does not match any more is not replayed, so Total is an estimate.
	Total, Done int64
	// Replayed is how many deliveries were handed to the senders.
	Replayed int64
	// Failed counts by reason those that could not be.
	Failed map[Reason]int64
	// At is when Kafka took the last event that it has passed; zero before.
	At time.Time
	// ReachesBackTo is the time before which Kafka may lack events of the range:
	// some expired. Zero: it has all of them. Of a replay without source.
	ReachesBackTo time.Time
	// Delivery is the last one that it has passed, of a replay with a source.
	Delivery string
	// Parts are what is left of the event topics, of a replay without source.
	Parts []ReplayPart
}

// ReplayPart is what is left to read of one partition: from Next to before End.
type ReplayPart struct {
	Topic     string
	Partition int
	Next, End int64
}

// Clone shares no memory with p.
func (p ReplayProgress) Clone() ReplayProgress {
	p.Failed, p.Parts = maps.Clone(p.Failed), slices.Clone(p.Parts)
	return p
}

// Fail counts n deliveries that could not be replayed.
func (p *ReplayProgress) Fail(reason Reason, n int64) {
	if n == 0 {
		return
	}
	if p.Failed == nil {
		p.Failed = make(map[Reason]int64)
	}
	p.Failed[reason] += n
}

// Replays is the store of replays, as those who ask for them see it.
type Replays interface {
	// CreateReplay adds one that runs. ErrNotFound if one of its webhooks is not
	// there, ErrRevoked if Webhook is revoked, ErrConflict while another one to
	// the same Webhook runs: their runs would cancel one another. ErrTooMany while
	// MaxRunningReplays of the account run.
	CreateReplay(ctx context.Context, r Replay) (Replay, error)
	// Replay returns one. ErrNotFound.
	Replay(ctx context.Context, account, id string) (Replay, error)
	// Replays lists an account's, newest first, and the next cursor.
	Replays(ctx context.Context, account string, p Page) ([]Replay, string, error)
	// CancelReplay ends one that runs; any other stays as it is. ErrNotFound.
	CancelReplay(ctx context.Context, account, id string) (Replay, error)
	// ResumeReplay lets one that was cancelled go on from where it was; one that
	// runs stays as it is. ErrNotFound; ErrStale if it is done or failed;
	// ErrRevoked, ErrConflict and ErrTooMany as CreateReplay.
	ResumeReplay(ctx context.Context, account, id string) (Replay, error)
	// Released is Recorder's, for the retry of one delivery.
	Released(ctx context.Context, deliveries []Delivery, run int64) error
}

// Replayer is the store of replays, as who runs them sees it.
type Replayer interface {
	// RunningReplays returns all that run, oldest first.
	RunningReplays(ctx context.Context) ([]Replay, error)
	// AdvanceReplay notes State, Detail, Run and Progress of one that runs, and raises
	// its Revision. ErrStale if that is another one by now: somebody else runs it;
	// and if it was cancelled: then Progress is noted all the same, for its
	// resumption.
	AdvanceReplay(ctx context.Context, r Replay) (Replay, error)
	// NewestRun is the highest run of what the log has of a replay's Webhook in its
	// range; 0 if it has nothing.
	NewestRun(ctx context.Context, r Replay) (int64, error)
	// CountReplay counts the deliveries that a replay with a source means now.
	CountReplay(ctx context.Context, r Replay) (int64, error)
	// ReplayDeliveries returns at most limit of these deliveries, oldest first:
	// those behind Progress.At and Progress.Delivery.
	ReplayDeliveries(ctx context.Context, r Replay, limit int) ([]Delivery, error)
	// AccountPublished reports whether the cache has an account as it is now, or had
	// it so: then senders can know all its webhooks.
	AccountPublished(ctx context.Context, id string) (bool, error)
	// Delivery is Log's.
	Delivery(ctx context.Context, account, id string) (Delivery, error)
	// ItemSchemas is ItemSchemas'.
	ItemSchemas(ctx context.Context, account string) ([]ItemSchema, error)
	// Webhook is Webhooks'.
	Webhook(ctx context.Context, account, id string) (Webhook, error)
}
