package observability

// Metrics name no account: of those there are without number. One account's share is in
// the log lines and spans of its attempts.
func account() *Dashboard {
	const (
		attempts = `{$logs} | json | msg="attempt" | account="$account" | webhook=~"$webhook"`
		sender   = `resource.service.name = "staffetta-sender" && span.staffetta.account = "$account" && span.staffetta.webhook.id =~ "$webhook"`
	)
	l := &layout{}
	l.heading("Account $account, from the log")
	l.logGraph("Attempts, by fate", "Successes are logged at the level debug.", "{{fate}}",
		`sum by (fate) (count_over_time(`+attempts+` [$__auto]))`)
	l.logGraph("Failures, by reason", "", "{{reason}}",
		`sum by (reason) (count_over_time(`+attempts+` | reason!="" [$__auto]))`)
	l.logGraph("Webhooks with the most failures", "", "{{webhook}}",
		`topk(10, sum by (webhook) (count_over_time(`+attempts+` | fate=~"retrying|exhausted" [$__auto])))`)
	l.logGraph("Duration of attempts, 99%", "", "{{webhook}}",
		`quantile_over_time(0.99, `+attempts+` | unwrap duration_seconds(duration) | __error__="" [$__auto]) by (webhook)`)
	l.logs("Attempts", attempts+` | line_format "{{.fate}} {{.reason}} {{.status}} {{.itemType}} {{.delivery}} attempt {{.attempt}} {{.url}} {{.detail}}"`)
	l.logs("Everything else about it", `{$logs} | json | account="$account" | msg!="attempt"`)

	l.heading("Account $account, from traces")
	l.traces("Attempts that failed", `{ `+sender+` && name = "POST" && status = error }`)
	l.traces("Attempts longer than 1 s", `{ `+sender+` && name = "POST" && duration > 1s }`)
	l.traces("Deliveries with more than one attempt", `{ `+sender+` && span.staffetta.attempt > 1 }`)
	l.traces("Newest", `{ `+sender+` }`)
	return dashboard("account", "Account", "One account's attempts, from logs and traces.", []variable{
		sourceVariable("loki", "Logs"), sourceVariable("tempo", "Traces"),
		textVariable("account", "Account", "demo"), textVariable("webhook", "Webhook (regular expression)", ".*"),
		textVariable("logs", "Streams", `service_name=~"staffetta.*"`),
	}, l)
}

// toTrace leads from a log line to its trace.
var toTrace = link{
	Title: "Trace", TargetBlank: true,
	URL: `/explore?schemaVersion=1&panes={"t":{"datasource":"${tempo}","queries":[{"refId":"A","queryType":"traceql","query":"${__value.raw}"}]}}`,
}

func (l *layout) logGraph(title, description, legend, expr string) {
	l.place(Panel{
		Type: "timeseries", Title: title, Description: description, Datasource: loki,
		Targets: []Target{{RefID: "A", Datasource: loki, Expr: expr, LegendFormat: legend, QueryType: "range"}},
	}, graphWidth, graphHeight)
}

func (l *layout) logs(title, expr string) {
	l.place(Panel{
		Type: "logs", Title: title, Datasource: loki,
		Targets: []Target{{RefID: "A", Datasource: loki, Expr: expr, QueryType: "range"}},
		FieldConfig: &fieldConfig{Overrides: []override{{
			Matcher:    object{"id": "byName", "options": "traceId"},
			Properties: []object{{"id": "links", "value": []link{toTrace}}},
		}}},
		Options: object{"showTime": true, "wrapLogMessage": true, "enableLogDetails": true, "sortOrder": "Descending"},
	}, width, graphHeight)
}

// traces is a table of traces; each leads to itself.
func (l *layout) traces(title, query string) {
	l.place(Panel{
		Type: "table", Title: title, Datasource: tempo,
		Targets: []Target{{RefID: "A", Datasource: tempo, Query: query, QueryType: "traceql", TableType: "traces", Limit: 20}},
	}, graphWidth, graphHeight)
}
