package observability

func overview() *Dashboard {
	l := &layout{}
	l.heading("The objective: 99.9% of first attempts start within 1 s of publication")
	l.stat("Late first attempts", "Share of the last hour, without those that were deferred for their receiver or a limit. The budget is 0.1%.",
		"percentunit", 0.001, `staffetta:first_attempts_late:ratio_rate1h`)
	l.stat("Burn rate", "How many times faster than in 30 days the error budget is spent, over the last hour.",
		"none", 14.4, `staffetta:first_attempts_late:ratio_rate1h / 0.001`)
	l.stat("Events a second", "Records that the router reads.", "cps", 0, rate("staffetta_router_events_total"))
	l.stat("Attempts a second", "", "cps", 0, rate(request+"_count"))
	l.stat("Failed attempts", "Share of the attempts that were not answered by 2xx.", "percentunit", 0.5, `staffetta:attempts_failed:ratio_rate5m`)
	l.stat("Oldest undelivered", "What is due and has no fate, of all partitions.", "s", 60, `max(staffetta_sender_oldest_undelivered_seconds)`)

	l.heading("The path of an event: rates, errors, durations of each stage")
	l.graph("Rates along the path", "An event becomes a delivery for each webhook that matches.", "cps",
		query{rate("staffetta_outbox_relayed_total"), "published by the domain services", false},
		query{rate("staffetta_router_events_total"), "events read by the router", false},
		query{rate("staffetta_router_deliveries_total"), "deliveries handed to the senders", false},
		query{rate(request + "_count"), "attempts", false},
		query{rate(`staffetta_sender_fates_total{fate="delivered"}`), "delivered", false},
		query{rate("staffetta_recorder_records_total"), "written to the log", false})
	l.graph("Errors along the path", "", "cps",
		query{rate("staffetta_outbox_refused_total"), "events that Kafka refused", false},
		query{orNone(rate("staffetta_router_quarantined_total")), "events to quarantine", false},
		query{rate(`staffetta_sender_fates_total{fate="retrying"}`), "attempts that failed, to be repeated", false},
		query{orNone(rate(`staffetta_sender_fates_total{fate="exhausted"}`)), "deliveries given up", false},
		query{rate("staffetta_recorder_failures_total"), "reads and writes of the recorder", false},
		query{orNone(rate(`staffetta_http_request_seconds_count{status=~"5.."}`)), "REST: 5xx", false})
	l.graph("Durations along the path, 99%", "Each from the end of the one before, but the first attempt: that is since publication.", "s",
		query{quantile(0.99, routing), "Kafka to deliveries", true},
		query{quantile(0.99, firstAttempt), "publication to first attempt", true},
		query{quantile(0.99, request), "request", true},
		query{quantile(0.99, recording), "answer to log", false})
	l.graph("Publication to 2xx", "Retries and waits included. Points are traces.", "s", quantiles(delivery)...)

	l.heading("Saturation")
	l.graph("Lag", "Records that consumers are not done with, without those that wait for their time.", "short",
		query{`sum by (group, topic) (staffetta_consumer_lag_records{topic!~"retry\\..*"})`, "{{group}}: {{topic}}", false})
	l.graph("Oldest undelivered, by partition", "", "s",
		query{`max by (partition) (staffetta_sender_oldest_undelivered_seconds)`, "{{partition}}", false})
	l.graph("Late first attempts, by window", "Alerts: 14.4 and 6 times the budget of 0.1% at once, 3 and 1 times in the long run.", "percentunit",
		query{`staffetta:first_attempts_late:ratio_rate5m`, "5 min", false},
		query{`staffetta:first_attempts_late:ratio_rate1h`, "1 h", false},
		query{`staffetta:first_attempts_late:ratio_rate6h`, "6 h", false},
		query{`staffetta:first_attempts_late:ratio_rate3d`, "3 d", false})
	l.graph("In flight", "Tasks that senders hold; 10,000 are the most.", "short",
		query{`sum by (instance) (staffetta_sender_in_flight)`, "{{instance}}", false})

	l.heading("REST")
	l.graph("Requests a second", "", "reqps", query{rateBy("service", answers+"_count"), "{{service}}", false})
	l.graph("Time to answer, 99%", "", "s", query{
		"histogram_quantile(0.99, sum by (le, service) (rate(" + answers + "_bucket[$__rate_interval])))", "{{service}}", true,
	})

	l.heading("Processes")
	l.graph("Ready", "1: all that is required works.", "none", query{`min by (instance) (staffetta_ready)`, "{{instance}}", false})
	l.graph("What they stand on", "1: it answers.", "none", query{`min by (check) (staffetta_check_ok)`, "{{check}}", false})
	l.graph("CPU", "Cores.", "none", query{`rate(process_cpu_seconds_total[$__rate_interval]) and on (instance) staffetta_ready`, "{{instance}}", false})
	l.graph("Memory", "", "bytes", query{`process_resident_memory_bytes and on (instance) staffetta_ready`, "{{instance}}", false})
	return dashboard("overview", "Overview", "The path of an event from its publication to its delivery.",
		[]variable{sourceVariable("prometheus", "Metrics")}, l)
}
