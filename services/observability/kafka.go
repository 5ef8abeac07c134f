package observability

func kafka() *Dashboard {
	l := &layout{}
	l.heading("Events")
	l.graph("Events read", "", "cps", query{rate("staffetta_router_events_total"), "events", false})
	l.graph("Kafka to deliveries", "From an event's arrival in Kafka to the acknowledgement of its deliveries.", "s", quantiles(routing)...)
	l.graph("Oldest in an outbox", "Of the domain services: committed, and not in Kafka.", "s",
		query{`max by (outbox) (staffetta_outbox_oldest_seconds)`, "{{outbox}}", false})
	l.graph("To quarantine, by reason", "", "cps", query{orNone(rateBy("reason", "staffetta_router_quarantined_total")), "{{reason}}", false})

	l.graph("Waiting in outboxes", "", "short",
		query{`max by (outbox) (staffetta_outbox_backlog_rows)`, "{{outbox}}: to be sent", false},
		query{`max by (outbox) (staffetta_outbox_refused_rows)`, "{{outbox}}: refused by Kafka", false})
	l.graph("Events relayed", "From outboxes to Kafka.", "cps", query{rateBy("outbox", "staffetta_outbox_relayed_total"), "{{outbox}}", false})

	l.heading("Consumers")
	l.graph("Lag of the router", "", "short", query{`sum by (topic) (staffetta_consumer_lag_records{group="staffetta-router"})`, "{{topic}}", false})
	l.graph("Lag of the sender, by partition of deliveries", "", "short",
		query{`sum by (partition) (staffetta_consumer_lag_records{group="staffetta-sender", topic="deliveries"})`, "{{partition}}", false})
	l.graph("Lag of the recorder, by partition of attempts", "", "short",
		query{`sum by (partition) (staffetta_consumer_lag_records{group="staffetta-recorder", topic="attempts"})`, "{{partition}}", false})
	l.graph("Oldest undelivered, by partition", "", "s",
		query{`max by (partition) (staffetta_sender_oldest_undelivered_seconds)`, "{{partition}}", false})
	l.graph("Waiting in tiers", "", "short",
		query{`sum by (topic) (staffetta_consumer_lag_records{topic=~"retry\\..*"})`, "{{topic}}", false})
	l.graph("Partitions with a sender", "", "short", query{`sum(staffetta_sender_partitions)`, "partitions", false})

	l.heading("Journal and log")
	l.graph("Written to the log, by fate", "", "cps", query{rateBy("fate", "staffetta_recorder_records_total"), "{{fate}}", false})
	l.graph("Answer to log", "", "s", quantiles(recording)...)
	l.graph("Time to write a batch, 99%", "", "s", query{quantile(0.99, "staffetta_recorder_write_seconds"), "99%", false})
	l.graph("Records gone before they were read", "Retention, a topic made anew, or a broker that lost the end of its log.", "short",
		query{`sum(increase(staffetta_router_offset_resets_total[1h]))`, "events", false},
		query{`sum(increase(staffetta_sender_offset_resets_total[1h]))`, "deliveries, tiers", false},
		query{`sum(increase(staffetta_recorder_offset_resets_total[1h]))`, "attempts", false})
	return dashboard("kafka", "Kafka", "Topics, partitions, lag, and what is in between.",
		[]variable{sourceVariable("prometheus", "Metrics")}, l)
}
