package config

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

func readKafka(r *reader) Kafka {
	k := Kafka{Brokers: r.list(KafkaBrokers), SASL: readSASL(r)}
	for _, broker := range k.Brokers {
		if !hostPort(broker) {
			r.faults.Add(KafkaBrokers, broker, "must be HOST:PORT, comma separated")
		}
	}
	if r.boolean(KafkaTLS) {
		k.TLS = readTLS(r)
		return k
	}
	for _, name := range []string{KafkaTLSCA, KafkaTLSCert, KafkaTLSKey} {
		if value := r.text(name); value != "" {
			r.faults.Add(name, value, "has no effect without "+KafkaTLS+"=true")
		}
	}
	return k
}

// readTLS reads the files too, so that a wrong one stops the start and not the
// first connection.
func readTLS(r *reader) *tls.Config {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if path := r.text(KafkaTLSCA); path != "" {
		t.RootCAs = x509.NewCertPool()
		pem, err := os.ReadFile(path)
		switch {
		case err != nil:
			r.faults.Add(KafkaTLSCA, path, "must be a file that can be read")
		case !t.RootCAs.AppendCertsFromPEM(pem):
			r.faults.Add(KafkaTLSCA, path, "must hold certificates in PEM form")
		}
	}
	cert, key := r.text(KafkaTLSCert), r.text(KafkaTLSKey)
	switch {
	case cert == "" && key == "":
	case cert == "":
		r.faults.Add(KafkaTLSCert, "", "is required with "+KafkaTLSKey)
	case key == "":
		r.faults.Add(KafkaTLSKey, "", "is required with "+KafkaTLSCert)
	default:
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			r.faults.Add(KafkaTLSCert, cert, "and "+KafkaTLSKey+" must be files with a certificate and its key in PEM form")
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t
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
