package bench

// Servers are what an installation stands on.
type Servers string

// The servers.
const (
	Embedded Servers = "embedded"
	Real     Servers = "real"
)

// Result is what a scenario measured. The names in JSON are those of
// CONTRACT.md.
type Result struct {
	Scenario string `json:"scenario"`
	// Deliveries that arrived, each counted once.
	Deliveries int `json:"deliveries"`
	// Seconds from the first publish to the last arrival.
	Seconds             float64 `json:"seconds"`
	DeliveriesPerSecond float64 `json:"deliveries_per_s"`
	// BarePerSecond is what a plain HTTP client reaches, in the median, that signs
	// and posts bodies from memory to the same receiver, at its best number of
	// connections; 0 if the scenario is not compared with it.
	BarePerSecond float64 `json:"bare_per_s"`
	// Ratio is the median of the pairs' ratios of the two.
	Ratio float64 `json:"ratio"`
	// Lost deliveries did not arrive although the receiver was waited for.
	Lost int `json:"lost"`
	// Duplicated requests had an id that had arrived before.
	Duplicated int `json:"duplicated"`
	// P50 and P99 are milliseconds from publish to arrival.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	// CPUSeconds is what this process used, user and system, while the clock
	// ran: all services, the publisher, and the servers if they are embedded,
	// but not the receiver and not real servers.
	CPUSeconds float64 `json:"cpu_s"`
	// PeakRSS is the most memory that this process had, in MiB, up to then.
	PeakRSS float64 `json:"peak_rss_mib"`
	Servers Servers `json:"servers"`

	// Deferred is how often the sender parked a task untried; Hops how often one
	// went on from tier to tier; Twins how many were written twice and dropped:
	// all while the clock ran.
	Deferred int `json:"deferred"`
	Hops     int `json:"hops"`
	Twins    int `json:"twins"`

	// Parts are what a scenario measured side by side; none if it measures one
	// thing only.
	Parts []Part `json:"parts,omitempty"`
	// Ratios compare parts, by the scenario's own names.
	Ratios map[string]float64 `json:"ratios,omitempty"`
	// Figures are a scenario's own, by names that tell their unit, such as
	// "heap_mib_parked".
	Figures map[string]float64 `json:"figures,omitempty"`
	// Series are figures that were read again and again while the clock ran.
	Series map[string][]float64 `json:"series,omitempty"`

	// What was asked for.
	Events   int    `json:"events"`
	Accounts int    `json:"accounts"`
	Webhooks int    `json:"webhooks"`
	Payload  string `json:"payload"`
	// BareConnections is the number with which the bare loop is fastest.
	BareConnections int `json:"bare_connections"`
}

// of fills in what one part has measured.
func (r *Result) of(p Part) {
	r.Deliveries, r.Seconds, r.DeliveriesPerSecond = p.Deliveries, p.Seconds, p.DeliveriesPerSecond
	r.Lost, r.Duplicated, r.P50, r.P99 = p.Lost, p.Duplicated, p.P50, p.P99
}

// counted adds what the sender has counted.
func (r *Result) counted(f figures) {
	r.Deferred += int(f[deferredTotal])
	r.Hops += int(f[hopsTotal])
	r.Twins += int(f[twinsTotal])
}
