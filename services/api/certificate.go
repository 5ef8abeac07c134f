package api

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"time"
)

// readCertificate reads a client's certificate and its key, which must fit.
func (s *Service) readCertificate(a *document, into *newAuth) {
	into.Certificate = a.needed("certificate", maxPEM, notPEM, "ASCII characters of certificates in PEM form")
	into.keep(a, "key", maxPEM, notPEM, "ASCII characters of a private key in PEM form")
	if into.Certificate == "" || into.secret == "" {
		return // that is a fault already
	}
	chain, rule := clientCertificate(into.Certificate, s.now())
	if rule != "" {
		a.fault("certificate", "", rule)
		return
	}
	into.Certificate = chain
	if into.secret == masked {
		return // see setAuth
	}
	if rule := pairRule(chain, into.secret); rule != "" {
		a.fault("key", "", rule)
	}
}

func notPEM(r rune) bool { return r > '~' || r < ' ' && !strings.ContainsRune("\t\r\n", r) }

// clientCertificate gives a chain in the form in which it is kept, or the rule that it
// breaks. Nothing but certificates is kept, as it is shown.
func clientCertificate(text string, now time.Time) (chain, rule string) {
	const form = "must be certificates in PEM form, the client's own first, and nothing else"
	var leaf *x509.Certificate
	var kept strings.Builder
	for rest := []byte(text); len(strings.TrimSpace(string(rest))) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return "", form
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return "", form
		}
		if leaf == nil {
			leaf = certificate
		}
		kept.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
	}
	switch {
	case leaf == nil:
		return "", form
	case now.After(leaf.NotAfter):
		return "", "must not have expired: it was valid until " + leaf.NotAfter.UTC().Format(time.RFC3339)
	case now.Before(leaf.NotBefore):
		return "", "must be valid already: it will be from " + leaf.NotBefore.UTC().Format(time.RFC3339)
	case len(leaf.ExtKeyUsage) > 0 && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) &&
		!slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny):
		return "", "must be one for clients (extended key usage clientAuth)"
	}
	return kept.String(), ""
}

// pairRule is the rule that a key breaks, or empty: it must be the one of the chain's
// first certificate.
func pairRule(chain, key string) string {
	if _, err := tls.X509KeyPair([]byte(chain), []byte(key)); err != nil {
		return "must be the certificate's private key, in PEM form and not encrypted"
	}
	return ""
}
