package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// Errors that callers tell by errors.Is.
var (
	// ErrTooLarge says that the broker takes no record of this size.
	ErrTooLarge = errors.New("record is larger than the topic allows")
	// ErrClosed says that the producer or fetcher was closed before.
	ErrClosed = errors.New("closed")
	// ErrGone says that there is no record at these coordinates: it expired,
	// was never written, or belongs to an aborted transaction.
	ErrGone = errors.New("record is not there any more")
	// ErrNoTopic says that the topic, or its partition, does not exist.
	ErrNoTopic = errors.New("topic does not exist")
	// ErrRevoked is the cause with which the context of a generation ends when
	// the group hands its partitions out anew. See context.Cause.
	ErrRevoked = errors.New("partitions were revoked: the group rebalances")
	// ErrSessionLost is that cause when the group has put this member out or
	// the coordinator was not reached for a session.
	ErrSessionLost = errors.New("membership was lost: partitions may belong to another member")
)

// Errors that pass.
var (
	// errNoLeader says that nobody leads a partition just now.
	errNoLeader = errors.New("partition has no leader that is known")
	// errEmpty says that a broker answered without any record. One that
	// throttles its clients does that, and one that was elected just now.
	errEmpty = errors.New("broker sent no records")
	// errNotWritten is errEmpty for an offset that is the partition's end, as
	// far as the broker knows.
	errNotWritten = fmt.Errorf("%w from the end of the partition", errEmpty)
)

// passing reports whether an error passes by itself, so that trying again
// helps. What Kafka calls retriable does, and every fault on the way to a
// broker. Of the answers of a broker all others stay: refused by an ACL, wrong
// password, invalid record.
func passing(err error) bool {
	var answer kafka.Error
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, ErrNoTopic), errors.Is(err, ErrClosed), errors.Is(err, ErrGone):
		return false
	case errors.As(err, &answer):
		switch answer {
		case kafka.Unknown, kafka.BrokerNotAvailable, kafka.ReplicaNotAvailable:
			return true
		}
		return answer.Temporary()
	}
	return true
}

// Refused reports whether a broker will never take a record, for what it is:
// it is too large, or breaks a rule of its topic.
func Refused(err error) bool {
	var answer kafka.Error
	return errors.Is(err, ErrTooLarge) || errors.As(err, &answer) && isOfRecord(answer)
}

// Forbidden reports whether a broker keeps this client from a topic, or from
// writing at all, by its rules of access.
func Forbidden(err error) bool {
	return errors.Is(err, kafka.TopicAuthorizationFailed) || errors.Is(err, kafka.ClusterAuthorizationFailed)
}

// answered makes an error of a broker's error code; nil if it is 0.
func answered(code int16) error {
	if code == 0 {
		return nil
	}
	return kafka.Error(code)
}

// firstOf is the first of joined errors: one for each of hundreds of partitions
// makes no log line.
func firstOf(err error) error {
	var joined interface{ Unwrap() []error }
	for errors.As(err, &joined) && len(joined.Unwrap()) > 0 {
		err = joined.Unwrap()[0]
	}
	return err
}
