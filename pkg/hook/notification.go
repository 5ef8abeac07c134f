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

// Expiring names payloads that are about to leave Kafka: those on a partition of the
// topic deliveries that lie before an offset. What they tell of was published before
// a time.
type Expiring struct {
	Partition int
	Before    int64
	Published time.Time
}
