package config

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// tlsFiles are the names under which a server's TLS has its files.
type tlsFiles struct{ ca, cert, key string }

var (
	kafkaFiles = tlsFiles{KafkaTLSCA, KafkaTLSCert, KafkaTLSKey}
	redisFiles = tlsFiles{RedisTLSCA, RedisTLSCert, RedisTLSKey}
)

func (f tlsFiles) names() []string { return []string{f.ca, f.cert, f.key} }

// set reports whether there is one of them.
func (f tlsFiles) set(r *reader) bool {
	for _, name := range f.names() {
		if r.text(name) != "" {
			return true
		}
	}
	return false
}

// refuse makes each of them a fault: without what, they have no effect.
func (f tlsFiles) refuse(r *reader, without string) {
	for _, name := range f.names() {
		if value := r.text(name); value != "" {
			r.faults.Add(name, value, "has no effect without "+without)
		}
	}
}

// read reads the files too, so that a wrong one stops the start and not the
// first connection.
func (f tlsFiles) read(r *reader) *tls.Config {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if path := r.text(f.ca); path != "" {
		t.RootCAs = x509.NewCertPool()
		pem, err := os.ReadFile(path)
		switch {
		case err != nil:
			r.faults.Add(f.ca, path, "must be a file that can be read")
		case !t.RootCAs.AppendCertsFromPEM(pem):
			r.faults.Add(f.ca, path, "must hold certificates in PEM form")
		}
	}
	cert, key := r.text(f.cert), r.text(f.key)
	switch {
	case cert == "" && key == "":
	case cert == "":
		r.faults.Add(f.cert, "", "is required with "+f.key)
	case key == "":
		r.faults.Add(f.key, "", "is required with "+f.cert)
	default:
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			r.faults.Add(f.cert, cert, "and "+f.key+" must be files with a certificate and its key in PEM form")
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t
}
