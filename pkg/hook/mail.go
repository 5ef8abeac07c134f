package hook

import (
	"context"
	"time"
)

const (
	// MaxLetterNotices is how many notifications a letter lists.
	MaxLetterNotices = 50
	// LetterLife is how long a notification waits to be mailed.
	LetterLife = 3 * 24 * time.Hour
)

// Letter is what a member is to be mailed: one notification, or many together.
type Letter struct {
	Member Member
	// AccountName is the name of the member's account.
	AccountName string
	// Notices are the newest ones, newest first, at most MaxLetterNotices.
	Notices []LetterNotice
	// More is the number of those that are older, and not listed.
	More int64
	// Expired is the number of those that waited too long, and are in no letter.
	Expired int64
	// Tries is how often in a row it was put off.
	Tries int
	// Number is that of the newest notification, and Claim that of the claim.
	Number, Claim int64
}

// LetterNotice is a notification with what people call the webhook that it is about.
type LetterNotice struct {
	Notification
	// Description and URL of the webhook, without what may be secret in it; empty if
	// it is about none, or that is gone.
	Description, URL string
}

// Mails has the letters that wait. There is one for each member of whom a notification
// was written while they had access to settings.
type Mails interface {
	// ClaimLetter gives the right to send the letter that has been due for longest; when
	// the lease is over it is due again. A letter that was claimed before has the same
	// notifications again, less those that waited for longer than LetterLife: what came
	// since waits for the next one. It has no Notices if only such were left. Letters of
	// members who may not read notifications any more are dropped. ErrNotFound if none
	// is due.
	ClaimLetter(ctx context.Context, lease time.Duration) (Letter, error)
	// LetterDone ends a claim: its notifications are not mailed to this member any more,
	// and the next letter is not due before a time. ErrStale if somebody else has
	// claimed it meanwhile.
	LetterDone(ctx context.Context, l Letter, next time.Time) error
	// PostponeLetter ends a claim without that: the letter is due again at a time.
	// ErrStale as above.
	PostponeLetter(ctx context.Context, l Letter, until time.Time) error
}
