package bench

import "fmt"

// figures are counters and gauges of the services: by name, such as
// "staffetta_sender_in_flight", the sum of all that have it; and for each label
// by name and label, such as "staffetta_sender_fates_total{fate=delivered}".
type figures map[string]float64

// figures reads the services' metrics.
func (in *installation) figures() (figures, error) {
	families, err := in.parts.Metrics.Gather()
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	found := figures{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue()
			found[f.GetName()] += value
			for _, l := range m.GetLabel() {
				found[f.GetName()+"{"+l.GetName()+"="+l.GetValue()+"}"] += value
			}
		}
	}
	return found, nil
}

// Names of figures.
const (
	deferredTotal = "staffetta_sender_deferred_total"
	hopsTotal     = "staffetta_sender_hops_total"
	twinsTotal    = "staffetta_sender_twins_total"
	inFlight      = "staffetta_sender_in_flight"
)

// since is by how much each has risen.
func (f figures) since(before figures) figures {
	risen := make(figures, len(f))
	for name, value := range f {
		risen[name] = value - before[name]
	}
	return risen
}

// givenUp is the number of tasks that are tried no more although their receivers
// did not take them and are there: what is cancelled was revoked.
func (f figures) givenUp() int {
	sum := f["staffetta_sender_quarantined_total"]
	for _, fate := range []string{"exhausted", "dropped", "superseded"} {
		sum += f["staffetta_sender_fates_total{fate="+fate+"}"]
	}
	return int(sum)
}
