package hook

import (
	"context"
	"maps"
	"time"
)

// RedriveState is where a Redrive is in its life.
type RedriveState string

// The states of a Redrive.
const (
	RedriveRunning RedriveState = "running"
	// RedriveDone: every record that it means was tried.
	RedriveDone RedriveState = "done"
	// RedriveCancelled by a person; what was not sent is open still.
	RedriveCancelled RedriveState = "cancelled"
)

// RedriveStates lists every RedriveState.
var RedriveStates = []RedriveState{RedriveRunning, RedriveDone, RedriveCancelled}

// Limits and default of Redrive.Rate, and the most bytes of Redrive.Patch.
const (
	DefaultRedriveRate = 100
	MaxRedriveRate     = 1000
	MaxRedrivePatch    = 64 << 10
)

// Redrive sends quarantined records again: those that were open when it was made. What is
// bad still comes back as another record, which it does not mean.
type Redrive struct {
	// ID is "qrd_" and 26 characters, rising with time.
	ID string
	// Account is whose records are meant; empty: those of all accounts, and of none.
	Account string
	// Reason and Topic narrow them, as in QuarantineFilter; empty: they do not.
	Reason, Topic string
	// From (inclusive) and To (exclusive) bound when they went into quarantine. A zero
	// From does not; To is just behind the newest that there was, or less.
	From, To time.Time
	// Patch is the JSON merge patch for their values; empty: they go as they came.
	Patch string
	// Rate is the most records a second, reached within 5 s; 1 to MaxRedriveRate.
	Rate int

	State    RedriveState
	Progress RedriveProgress
	// Revision rises with every note of its progress, from 1.
	Revision  int64
	CreatedAt time.Time
	UpdatedAt time.Time
	// EndedAt is when it ceased to run; zero while it does.
	EndedAt time.Time
}

// RedriveProgress says how far a Redrive is, and holds all that is needed to go on from
// there.
type RedriveProgress struct {
	// Total is how many records it meant when it was made. What was sent or discarded
	// by somebody else meanwhile is passed over, so at its end Done may be less.
	Total, Done int64
	// Sent is how many were sent again; Failed counts by reason those that could not be,
	// which are open still.
	Sent   int64
	Failed map[string]int64
	// At and Entry are of the last one that it has passed: its CreatedAt and ID.
	At    time.Time
	Entry string
}

// Clone shares no memory with p.
func (p RedriveProgress) Clone() RedriveProgress {
	p.Failed = maps.Clone(p.Failed)
	return p
}

// Fail counts one that could not be sent.
func (p *RedriveProgress) Fail(reason string) {
	if p.Failed == nil {
		p.Failed = make(map[string]int64)
	}
	p.Failed[reason]++
}

// Redrives is the store of Redrives, as those who ask for them see it. An empty account
// stands for all of them, and for what is of none.
type Redrives interface {
	// CreateRedrive adds one that runs, or that is done if there is nothing to send. Its
	// To and Total are as of now. ErrNotFound if its account is not there; ErrConflict
	// while another one of the same account runs: both would send the same.
	CreateRedrive(ctx context.Context, r Redrive) (Redrive, error)
	// Redrive returns one. ErrNotFound.
	Redrive(ctx context.Context, account, id string) (Redrive, error)
	// Redrives lists them, newest first, and the next cursor.
	Redrives(ctx context.Context, account string, p Page) ([]Redrive, string, error)
	// CancelRedrive ends one that runs; any other stays as it is. ErrNotFound.
	CancelRedrive(ctx context.Context, account, id string) (Redrive, error)
}

// Redriver is the store of Redrives, as who runs them sees it.
type Redriver interface {
	// RunningRedrives returns all that run, oldest first.
	RunningRedrives(ctx context.Context) ([]Redrive, error)
	// RedriveEntries returns at most limit of the open records that one means, oldest
	// first: those behind Progress.At and Progress.Entry.
	RedriveEntries(ctx context.Context, r Redrive, limit int) ([]Quarantined, error)
	// AdvanceRedrive notes State and Progress of one that runs, that these entries were
	// redriven, and raises its Revision, all or nothing. ErrStale if that is another one
	// by now: somebody else runs it; and if it was cancelled: then the progress is noted
	// all the same.
	AdvanceRedrive(ctx context.Context, r Redrive, sent []string) (Redrive, error)
}
