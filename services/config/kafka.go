package config

func readKafka(r *reader) Kafka {
	k := Kafka{Brokers: r.list(KafkaBrokers), SASL: readSASL(r)}
	for _, broker := range k.Brokers {
		if !hostPort(broker) {
			r.faults.Add(KafkaBrokers, broker, "must be HOST:PORT, comma separated")
		}
	}
	if r.boolean(KafkaTLS) {
		k.TLS = kafkaFiles.read(r)
	} else {
		kafkaFiles.refuse(r, KafkaTLS+"=true")
	}
	return k
}

func readSASL(r *reader) *SASL {
	s := &SASL{Mechanism: r.text(KafkaSASL), Username: r.text(KafkaUser), Password: r.text(KafkaPassword)}
	switch s.Mechanism {
	case "":
		if s.Username != "" {
			r.faults.Add(KafkaUser, s.Username, "has no effect without "+KafkaSASL)
		}
		if s.Password != "" {
			r.faults.Add(KafkaPassword, masked, "has no effect without "+KafkaSASL)
		}
		return nil
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
	default:
		r.faults.Add(KafkaSASL, s.Mechanism, "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	}
	if s.Username == "" {
		r.faults.Add(KafkaUser, "", "is required with "+KafkaSASL)
	}
	if s.Password == "" {
		r.faults.Add(KafkaPassword, "", "is required with "+KafkaSASL)
	}
	return s
}
