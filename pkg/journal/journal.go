// Package journal is the form of the records of the topic attempts: it
// translates between hook.Attempt and its protobuf message
// staffetta.delivery.v1.Attempt, by hand (see pkg/wire). The sender writes them,
// and reads them at a takeover; the recorder reads them for the log. Some of them
// are markers, see hook.Marker.
package journal

import "github.com/staffetta/staffetta/pkg/wire"

// The tags of the message's fields and of a header's.
const (
	tagDelivery        = 1<<3 | wire.Length
	tagRun             = 2<<3 | wire.Varint
	tagStep            = 3<<3 | wire.Varint
	tagNumber          = 4<<3 | wire.Varint
	tagFate            = 5<<3 | wire.Varint
	tagReason          = 6<<3 | wire.Length
	tagDetail          = 7<<3 | wire.Length
	tagAccount         = 8<<3 | wire.Length
	tagWebhook         = 9<<3 | wire.Length
	tagStore           = 10<<3 | wire.Length
	tagEvent           = 11<<3 | wire.Length
	tagEventType       = 12<<3 | wire.Varint
	tagItemType        = 13<<3 | wire.Length
	tagItems           = 14<<3 | wire.Length
	tagBundle          = 15<<3 | wire.Length
	tagSource          = 16<<3 | wire.Length
	tagPublished       = 17<<3 | wire.Varint
	tagAt              = 18<<3 | wire.Varint
	tagDuration        = 19<<3 | wire.Varint
	tagURL             = 20<<3 | wire.Length
	tagStatus          = 21<<3 | wire.Varint
	tagResponse        = 22<<3 | wire.Length
	tagDue             = 23<<3 | wire.Varint
	tagTraceID         = 24<<3 | wire.Length
	tagResponseHeaders = 25<<3 | wire.Length
	tagSupersededBy    = 28<<3 | wire.Length
	tagDNS             = 29<<3 | wire.Varint
	tagConnect         = 30<<3 | wire.Varint
	tagTLS             = 31<<3 | wire.Varint
	tagFirstByte       = 32<<3 | wire.Varint
	tagRequest         = 33<<3 | wire.Length
	tagVolley          = 37<<3 | wire.Varint
	tagOpening         = 38<<3 | wire.Varint
	tagMarker          = 41<<3 | wire.Varint
	tagTest            = 45<<3 | wire.Varint

	tagHeaderName  = 1<<3 | wire.Length
	tagHeaderValue = 2<<3 | wire.Length
)
