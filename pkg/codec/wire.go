package codec

import "github.com/staffetta/staffetta/pkg/wire"

// The tags of the fields: number and wire type.
const (
	changeEvent       = 1<<3 | wire.Length
	changeSource      = 2<<3 | wire.Length
	changeTraceparent = 3<<3 | wire.Length
	changeTracestate  = 4<<3 | wire.Length
	changePublished   = 5<<3 | wire.Varint

	eventID       = 1<<3 | wire.Length
	eventAccount  = 2<<3 | wire.Length
	eventStore    = 3<<3 | wire.Length
	eventUser     = 4<<3 | wire.Length
	eventType     = 5<<3 | wire.Varint
	eventItemType = 6<<3 | wire.Length
	eventItems    = 7<<3 | wire.Length
	eventDate     = 8<<3 | wire.Length

	itemID      = 1<<3 | wire.Length
	itemRef     = 2<<3 | wire.Length
	itemVersion = 3<<3 | wire.Varint
	itemData    = 4<<3 | wire.Length
	itemParent  = 5<<3 | wire.Length

	referenceID       = 1<<3 | wire.Length
	referenceItemType = 2<<3 | wire.Length
	referenceRef      = 3<<3 | wire.Length

	bundleChange   = 1<<3 | wire.Length
	bundleWebhooks = 2<<3 | wire.Length
	bundleRun      = 3<<3 | wire.Varint
	bundleItem     = 6<<3 | wire.Varint
	bundleTest     = 7<<3 | wire.Varint

	bundleSelections = 4<<3 | wire.Length

	selectionItems    = 1<<3 | wire.Length
	selectionWebhooks = 2<<3 | wire.Length
	selectionWebhook  = 2<<3 | wire.Varint // not packed, as parsers have to take it
)
