package hook

// Format is the shape of the request that a receiver gets.
type Format string

// The formats of CONTRACT.md, "What a receiver gets".
const (
	FormatStandard     Format = "standard"
	FormatRentman      Format = "rentman"
	FormatCassaInCloud Format = "cassa-in-cloud"
	FormatCloudEvents  Format = "cloudevents"
)

// Formats lists every Format that can be chosen.
var Formats = []Format{FormatStandard, FormatRentman, FormatCassaInCloud, FormatCloudEvents}

// PerItem reports whether a webhook of the format gets a delivery for each item of
// an event. It stays so for the webhook's life, since its deliveries' ids follow
// from it.
func (f Format) PerItem() bool { return f == FormatCassaInCloud }

// Signature is the algorithm by which requests of the formats standard and
// cloudevents are signed; the others have their own.
type Signature string

// The algorithms.
const (
	HMACSHA256 Signature = "hmac-sha256"
	Ed25519    Signature = "ed25519"
)

// Signatures lists every Signature.
var Signatures = []Signature{HMACSHA256, Ed25519}

// Takes reports whether requests of the format can be signed by the algorithm.
func (f Format) Takes(algorithm Signature) bool {
	return algorithm == HMACSHA256 || f == FormatStandard || f == FormatCloudEvents
}

// CloudEvents is how a request of the format cloudevents carries its event.
type CloudEvents string

// The modes ("HTTP Protocol Binding" of CloudEvents 1.0).
const (
	// Structured has all of it in the body.
	Structured CloudEvents = "structured"
	// Binary has the data alone in the body, the rest in headers.
	Binary CloudEvents = "binary"
)

// CloudEventsModes lists every CloudEvents.
var CloudEventsModes = []CloudEvents{Structured, Binary}
