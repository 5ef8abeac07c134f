package hook

import "time"

// Fate is what became of a task.
type Fate string

// The fates. Those that end a delivery are final; see Fate.Final.
const (
	FateDelivered Fate = "delivered"
	FateRetrying  Fate = "retrying"
	// FatePending: untried, and waits until the account's quota allows it. It is
	// the only deferral that is written down, because usage counts it.
	FatePending    Fate = "pending"
	FateExhausted  Fate = "exhausted"
	FateHeld       Fate = "held"
	FateDropped    Fate = "dropped"
	FateCancelled  Fate = "cancelled"
	FateSuperseded Fate = "superseded"
)

// Final reports whether nothing further happens to the delivery by itself.
func (f Fate) Final() bool { return f != FateRetrying && f != FatePending && f != FateHeld }

// Reason is why an attempt failed or a task had its fate: a closed set, the
// same words in the log, the metrics and the API.
type Reason string

// The reasons.
const (
	ReasonNone             Reason = ""
	ReasonStatus           Reason = "status"                     // the receiver answered, but not 2xx
	ReasonRedirect         Reason = "redirect"                   // 3xx, never followed
	ReasonGone             Reason = "gone"                       // 410
	ReasonThrottled        Reason = "throttled"                  // 429, 502, 503, 504
	ReasonTimeout          Reason = "timeout"                    // no whole answer in time
	ReasonDNS              Reason = "dns"                        // the name does not resolve
	ReasonConnect          Reason = "connect"                    // refused or unreachable
	ReasonReset            Reason = "reset"                      // the connection broke
	ReasonTLS              Reason = "tls"                        // handshake or certificate
	ReasonProtocol         Reason = "protocol"                   // the answer is not HTTP
	ReasonCertificate      Reason = "certificate_expired"        // the receiver's
	ReasonOwnCertificate   Reason = "client_certificate_expired" // the webhook's own; nothing was sent
	ReasonTokenRefused     Reason = "token_refused"              // the token endpoint refused the client's credentials
	ReasonTokenFailed      Reason = "token_failed"               // it answered, but not with a token
	ReasonTokenUnreachable Reason = "token_unreachable"          // it did not answer
	ReasonProxyRefused     Reason = "proxy_refused"              // the egress proxy did not make the connection
	ReasonProxyUnreachable Reason = "proxy_unreachable"          // the egress proxy did not answer
	ReasonForbidden        Reason = "forbidden"                  // the egress guard refused the address
	ReasonBusy             Reason = "busy"                       // the webhook's lane is full
	ReasonCircuitOpen      Reason = "circuit_open"               // the breaker is open
	ReasonPaused           Reason = "paused"                     // the webhook is paused
	ReasonDisabled         Reason = "disabled"                   // the webhook is disabled
	ReasonResuming         Reason = "resuming"                   // older held deliveries go first
	ReasonRevoked          Reason = "revoked"                    // the webhook or its account is deleted
	ReasonPayloadGone      Reason = "payload_expired"            // Kafka no longer has the payload
	ReasonUnrenderable     Reason = "unrenderable"               // the body or signature cannot be made
	ReasonQuota            Reason = "quota"                      // the account's quota is used up
	ReasonNewerRun         Reason = "newer_run"                  // a newer run of the delivery took its place
	ReasonNewerChange      Reason = "newer_change"               // a later change of the item took its place
	ReasonDefect           Reason = "defect"                     // the sender itself failed; the task is in quarantine
	ReasonDiscarded        Reason = "discarded"                  // it was exhausted, and a person gave it up
)

// Header is one line of an answer's header.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Timing is what the steps of a request took, to the microsecond; zero for those that
// were not taken: a connection that was there already has only FirstByte.
type Timing struct {
	// DNS is the resolution of the name, Connect the way to a connection after that,
	// with the egress proxy if there is one, and TLS the handshake.
	DNS, Connect, TLS time.Duration
	// FirstByte is from the request, sent or still being sent, to the first byte of
	// the answer.
	FirstByte time.Duration
}

// Attempt says what became of one task, with or without an HTTP request.
type Attempt struct {
	Delivery string
	// Run is 0 for the first run, else the Unix time in microseconds of what
	// asked for another: a release of held deliveries, a retry, a replay.
	Run int64
	// Step counts the tier writes of this run so far.
	Step int
	// Number of the HTTP request within the run, from 1; 0 for a fate without.
	Number int
	Fate   Fate
	Reason Reason
	// Detail is the error in words, without secrets.
	Detail string

	Account   string
	Webhook   string
	Store     string
	Event     string
	EventType EventType
	ItemType  string
	Items     []string
	// Bundle is where the payload lives: a record of the topic deliveries.
	Bundle Coordinates
	// Source is the upstream record.
	Source    Coordinates
	Published time.Time

	// At is the start of the request, or the time of the fate.
	At       time.Time
	Duration time.Duration
	URL      string
	// StatusCode of the answer; 0 without one.
	StatusCode int
	// Response is the start of the answer's body, at most 4 KiB, secrets masked.
	Response []byte
	// ResponseHeaders are the answer's, at most 4 KiB of them, secrets masked.
	ResponseHeaders []Header
	// Timing says what the duration was spent on.
	Timing Timing
	// Request is the request's header as it was sent, secrets masked, in the form of
	// package sent; empty if nothing was sent.
	Request []byte
	// Due is when the next attempt is due; zero if none.
	Due     time.Time
	TraceID string
	// SupersededBy is the delivery of the later change that took its place, for
	// ReasonNewerChange.
	SupersededBy string

	// Volley is a number for those requests to the webhook that were in flight
	// together when the first of them failed; of failures that say that the receiver
	// is away or overloaded, else 0. Opening is one for the breaker's opening at which
	// this one was in flight, if it failed; 0: there was none. Streaks are counted by
	// them; the log does without.
	Volley, Opening int64
	// Test: somebody tried the webhook out. It counts for neither usage nor streak,
	// and there is one attempt.
	Test bool
}
