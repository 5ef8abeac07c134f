// Package observability has the Grafana dashboards of the chart as Go, from which their
// JSON is made, and the tests of what is shown of Staffetta: dashboards, rules, alerts,
// runbook, and the reference of metrics.
//
//	grafana.go     Grafana's JSON, as far as it is used
//	dashboards.go  what is on each dashboard
//	overview.go, sender.go, kafka.go, account.go
package observability

//go:generate go test -run TestTheDashboardsAreUpToDate -update .

import "fmt"

// Dashboards are all dashboards, by the name of their file.
func Dashboards() map[string]*Dashboard {
	return map[string]*Dashboard{
		"overview.json": overview(),
		"sender.json":   sender(),
		"kafka.json":    kafka(),
		"account.json":  account(),
	}
}

func dashboard(name, title, description string, variables []variable, l *layout) *Dashboard {
	return &Dashboard{
		UID: "staffetta-" + name, Title: "Staffetta / " + title, Description: description,
		Tags: []string{"staffetta"}, Timezone: "browser", SchemaVersion: 39, Refresh: "10s",
		Time: timeRange{From: "now-30m", To: "now"},
		Links: []link{{
			Title: "Staffetta", Type: "dashboards", Tags: []string{"staffetta"}, AsDropdown: false, IncludeVars: true, KeepTime: true,
		}},
		Templating: templating{List: variables}, Panels: l.panels,
	}
}

// rate is the sum of a counter's rate.
func rate(metric string) string { return fmt.Sprintf("sum(rate(%s[$__rate_interval]))", metric) }

// rateBy is rate for each value of a label.
func rateBy(label, metric string) string {
	return fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", label, metric)
}

// orNone is an expression that is 0 where there is nothing yet.
func orNone(expr string) string { return expr + " or vector(0)" }

// quantile is that of a histogram; 0.5 is the median.
func quantile(q float64, metric string) string {
	return fmt.Sprintf("histogram_quantile(%g, sum by (le) (rate(%s[$__rate_interval])))", q, bucketed(metric))
}

// quantiles are three of a histogram's, the highest with traces to look at.
func quantiles(metric string) []query {
	return []query{
		{quantile(0.5, metric), "half", false}, {quantile(0.9, metric), "90%", false}, {quantile(0.99, metric), "99%", true},
	}
}

// bucketed puts _bucket behind a metric's name, in front of its selector.
func bucketed(metric string) string {
	for i := range metric {
		if metric[i] == '{' {
			return metric[:i] + "_bucket" + metric[i:]
		}
	}
	return metric + "_bucket"
}

// The histograms, along the path of an event.
const (
	routing      = "staffetta_router_routing_seconds"
	firstAttempt = `staffetta_sender_first_attempt_delay_seconds{deferred="false"}`
	lateAttempt  = `staffetta_sender_first_attempt_delay_seconds{deferred="true"}`
	request      = "staffetta_sender_request_duration_seconds"
	delivery     = "staffetta_sender_delivery_seconds"
	recording    = "staffetta_recorder_delay_seconds"
	answers      = "staffetta_http_request_seconds"
)
