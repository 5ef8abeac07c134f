package observability

func sender() *Dashboard {
	l := &layout{}
	l.heading("Attempts")
	l.graph("What became of tasks", "An attempt or a fate without one.", "cps", query{rateBy("fate", "staffetta_sender_fates_total"), "{{fate}}", false})
	l.graph("Failed attempts, by reason", "", "cps",
		query{rateBy("reason", `staffetta_sender_fates_total{fate=~"retrying|exhausted"}`), "{{reason}}", false})
	l.heatmap("Duration of requests", "Points are traces.", request)
	l.graph("Duration of requests", "", "s", quantiles(request)...)
	l.graph("Publication to first attempt", "Those that were not deferred, as the objective has it.", "s", quantiles(firstAttempt)...)
	l.graph("First attempts", "Deferred ones waited for their receiver, a limit, or their turn.", "cps",
		query{rateBy("deferred", "staffetta_sender_first_attempt_delay_seconds_count"), "deferred: {{deferred}}", false})

	l.heading("Lanes, breakers, quotas")
	l.graph("Lanes", "One for each webhook that was delivered to in the last minutes.", "short",
		query{`sum by (trust) (staffetta_sender_lanes)`, "{{trust}}", false})
	l.graph("Tasks in lanes", "", "short", query{`sum by (state) (staffetta_sender_lane_tasks)`, "{{state}}", false})
	l.graph("Breakers", "", "short", query{`sum by (state) (staffetta_sender_breakers)`, "{{state}}", false})
	l.graph("Breakers that opened", "", "cps", query{rate("staffetta_sender_breaker_openings_total"), "openings", false})
	l.graph("Deferred, by cause", "Tasks that were parked untried.", "cps",
		query{rateBy("cause", "staffetta_sender_deferred_total"), "{{cause}}", false})
	l.graph("Calls of quotas", "", "cps", query{rateBy("outcome", "staffetta_sender_quota_calls_total"), "{{outcome}}", false})

	l.heading("What waits")
	l.graph("In tiers", "Tasks that wait for their next attempt, or for their place.", "short",
		query{`sum by (topic) (staffetta_consumer_lag_records{group="staffetta-sender", topic=~"retry\\..*"})`, "{{topic}}", false})
	l.graph("Moved between tiers", "", "cps", query{rate("staffetta_sender_hops_total"), "hops", false})
	l.graph("In flight", "10,000 are the most.", "short", query{`sum by (instance) (staffetta_sender_in_flight)`, "{{instance}}", false})
	l.graph("Order and coalescing", "Unfinished deliveries of webhooks that ask for them.", "short",
		query{`sum by (instance) (staffetta_sender_gate_entries)`, "{{instance}}", false})

	l.heading("Partitions")
	l.graph("Owned", "", "short", query{`sum by (instance) (staffetta_sender_partitions)`, "{{instance}}", false})
	l.graph("Takeovers and repeats", "What a new owner found done, twins that were dropped, tasks of other partitions.", "cps",
		query{rate("staffetta_sender_recalled_total"), "found done", false},
		query{rate("staffetta_sender_twins_total"), "twins", false},
		query{rate("staffetta_sender_forwarded_total"), "forwarded", false})
	l.graph("Faults", "", "cps",
		query{rate("staffetta_sender_defects_total"), "defects", false},
		query{rate("staffetta_sender_hung_partitions_total"), "partitions that hung", false},
		query{rate("staffetta_sender_quarantined_total"), "records to quarantine", false})
	l.graph("Snapshots", "The sum of all accounts' versions: the same everywhere once a change is live.", "short",
		query{`max by (instance) ({__name__=~"staffetta_(router|sender)_snapshot_versions"})`, "{{instance}}", false})
	return dashboard("sender", "Sender", "Attempts, lanes, breakers, quotas, and what waits.",
		[]variable{sourceVariable("prometheus", "Metrics")}, l)
}
