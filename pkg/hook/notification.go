package hook

import (
	"context"
	"time"
)

// Notice is what a notification is about.
type Notice string

// The notices (CONTRACT.md, "REST").
const (
	// NoticeFailing: the webhook failed as often in a row as its account wants to
	// be told.
	NoticeFailing Notice = "webhook.failing"
	// NoticeDisabled: the system disabled it.
	NoticeDisabled Notice = "webhook.disabled"
	// NoticeRecovered: it works again, after one of those.
	NoticeRecovered Notice = "webhook.recovered"
	// NoticeQuota: the account's quota kept a delivery back.
	NoticeQuota Notice = "quota.exceeded"
	// NoticeExpiring: held deliveries are about to lose their payload.
	NoticeExpiring Notice = "payloads.expiring"
)

// AnyNotice in Webhook.Notices stands for every notice.
const AnyNotice Notice = "*"

// Notices lists every Notice.
var Notices = []Notice{NoticeFailing, NoticeDisabled, NoticeRecovered, NoticeQuota, NoticeExpiring}

// Notification tells the members of an account something that they should know.
type Notification struct {
	// ID is "ntf_" and 26 characters.
	ID      string
	Account string
	Notice  Notice
	// Webhook that it is about; empty: all of the account's.
	Webhook string
	// Count is of the failures in a row, for NoticeRecovered those before; of the
	// held deliveries, for NoticeExpiring; 0 for NoticeQuota.
	Count int64
	// Detail says more, in words; may be empty.
	Detail    string
	CreatedAt time.Time
}

// NotificationFilter narrows a list of notifications; zero fields do not narrow.
type NotificationFilter struct {
	Notice  Notice
	Webhook string
}

// Notifications is the store of notifications, which Recorder fills.
type Notifications interface {
	// Notifications lists an account's, newest first, and the next cursor.
	Notifications(ctx context.Context, account string, f NotificationFilter, p Page) ([]Notification, string, error)
}

// NoticeQueue is what sends notifications on to operational webhooks: it follows them
// by their numbers, which rise from 1 in the order of their commits. Who has seen one
// has seen all before it.
type NoticeQueue interface {
	// NoticesSent is the number up to which notifications were sent.
	NoticesSent(ctx context.Context) (int64, error)
	// NoticesAfter returns those beyond a number, oldest first, of at most limit
	// notifications, and the number to go on from, which is after if there are none.
	// Those about operational webhooks are not among them: what a receiver of notices
	// does must lead to no more of them.
	NoticesAfter(ctx context.Context, after int64, limit int) (list []Notification, next int64, err error)
	// NoteNoticesSent notes up to which number they were sent. A lower one than is
	// noted changes nothing.
	NoteNoticesSent(ctx context.Context, number int64) error
}

// Expiring names payloads that are about to leave Kafka: those on a partition of the
// topic deliveries that lie before an offset. What they tell of was published before
// a time.
type Expiring struct {
	Partition int
	Before    int64
	Published time.Time
}
