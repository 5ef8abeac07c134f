package sender

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

// authority issues certificates that expire.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	a := &authority{t: t, certificate: certificate, key: key, pool: x509.NewCertPool()}
	a.pool.AddCert(certificate)
	return a
}

var serial atomic.Int64

// issue makes a certificate for 127.0.0.1 and example.com, for servers and clients, and
// its key, in PEM form.
func (a *authority) issue(until time.Time) (certificate, key string) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1 + serial.Add(1)), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"example.com"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	require.NoError(a.t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(a.t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// serve starts a receiver by TLS whose certificate ends then; it demands one of its
// clients if so told.
func (a *authority) serve(until time.Time, demanding bool, handler http.HandlerFunc) (url string) {
	a.t.Helper()
	certificate, key := a.issue(until)
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	require.NoError(a.t, err)
	receiver := httptest.NewUnstartedServer(handler)
	receiver.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if demanding {
		receiver.TLS.ClientAuth, receiver.TLS.ClientCAs = tls.RequireAndVerifyClientCert, a.pool
	}
	receiver.StartTLS()
	a.t.Cleanup(receiver.Close)
	return receiver.URL
}

// owner posts to this machine and trusts the authority; other parts of the policy may
// be added.
func (a *authority) owner(policy egress.Policy) *owner {
	a.t.Helper()
	policy.Roots = a.pool
	if policy.Allow == nil {
		policy.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	o := testOwner()
	client := egress.NewClient(policy)
	a.t.Cleanup(client.Close)
	o.service.Client = client
	return o
}
