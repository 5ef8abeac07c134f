package bus_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/staffetta/staffetta/pkg/bus"
)

// TestWhoMayConnect: with TLS on both sides, and each of the logins, everything that a client
// does goes through, and nobody else gets in.
func TestWhoMayConnect(t *testing.T) {
	t.Parallel()
	const user, password = "staffetta", "hidden"
	pair, trusted := certificate(t)
	server := &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert}
	client := &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: trusted}
	scram := func(make func(string, string) (bus.SASL, error), password string) bus.SASL {
		login, err := make(user, password)
		require.NoError(t, err)
		return login
	}
	for mechanism, login := range map[string]struct{ right, wrong bus.SASL }{
		"PLAIN":         {bus.Plain(user, password), bus.Plain(user, "guess")},
		"SCRAM-SHA-256": {scram(bus.ScramSHA256, password), scram(bus.ScramSHA256, "guess")},
		"SCRAM-SHA-512": {scram(bus.ScramSHA512, password), scram(bus.ScramSHA512, "guess")},
	} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(server), kfake.EnableSASL(), kfake.Superuser(mechanism, user, password))
			require.NoError(t, err)
			t.Cleanup(kafka.Close)
			dial := func(tls *tls.Config, login bus.SASL) *bus.Client {
				c, err := bus.Dial(bus.Config{Brokers: kafka.ListenAddrs(), TLS: tls, SASL: login})
				require.NoError(t, err)
				t.Cleanup(c.Close)
				return c
			}

			c := dial(client, login.right)
			topic := topic(t, c, 2)
			require.NoError(t, producer(t, c, bus.ProducerConfig{}).ProduceSync(patient(t), bus.Record{Topic: topic, Partition: 1, Value: []byte("one")}))
			require.Equal(t, map[int][]string{1: {"one"}}, read(t, reader(t, c, bus.FetcherConfig{}, topic, 2), 1))
			m := newMembers(t, c, topic)
			m.join(0)
			m.settled(1, 2)

			require.Error(t, dial(client, login.wrong).Ping(patient(t)), "a wrong password")
			require.Error(t, dial(client, nil).Ping(patient(t)), "no login")
			require.Error(t, dial(&tls.Config{RootCAs: trusted}, login.right).Ping(patient(t)), "no certificate")
			require.Error(t, dial(&tls.Config{Certificates: client.Certificates}, login.right).Ping(patient(t)), "an authority that nobody trusts")
		})
	}
}

// certificate makes one for this machine that is its own authority.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kafka"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
