package redisstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// server is a Redis of the test's own.
type server struct {
	*redis.Client
	port    int
	process *exec.Cmd
}

func (s *server) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// kill ends it as a crash would.
func (s *server) kill() {
	_ = s.process.Process.Kill() // it may be gone already
	_ = s.process.Wait()
}

// start runs a Redis with arguments, which know its port; trust is for one with TLS only.
func start(t *testing.T, trust *tls.Config, arguments func(port int) []string) *server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	port := freePort(t)
	s := &server{port: port, process: exec.Command(program, append(arguments(port), "--dir", t.TempDir(), "--bind", "127.0.0.1", "--save", "")...)}
	require.NoError(t, s.process.Start())
	t.Cleanup(s.kill)
	s.Client = redis.NewClient(&redis.Options{Addr: s.address(), TLSConfig: trust})
	t.Cleanup(func() { _ = s.Close() })
	require.Eventually(t, func() bool { return s.Ping(t.Context()).Err() == nil }, within, 10*time.Millisecond)
	return s
}

// freePort is one that nobody has, below those that systems give to outgoing connections.
func freePort(t *testing.T) int {
	t.Helper()
	for {
		port := 20000 + mathrand.IntN(12000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
}

var clusterOK = regexp.MustCompile(`cluster_state:ok[\s\S]*cluster_known_nodes:3`)

func plainly(more ...string) func(int) []string {
	return func(port int) []string { return append([]string{"--port", strconv.Itoa(port)}, more...) }
}

// cluster starts three masters, which have a third of the slots each.
func cluster(t *testing.T) []*server {
	t.Helper()
	servers := make([]*server, 3)
	for n := range servers {
		servers[n] = start(t, nil, func(port int) []string {
			return []string{"--port", strconv.Itoa(port), "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(freePort(t))}
		})
		const slots = 16384
		require.NoError(t, servers[n].ClusterAddSlotsRange(t.Context(), n*slots/3, (n+1)*slots/3-1).Err())
		require.NoError(t, servers[n].Do(t.Context(), "CLUSTER", "SET-CONFIG-EPOCH", n+1).Err())
	}
	for _, s := range servers[1:] {
		bus, err := servers[0].ConfigGet(t.Context(), "cluster-port").Result()
		require.NoError(t, err)
		require.NoError(t, s.Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", servers[0].port, bus["cluster-port"]).Err())
	}
	for _, s := range servers {
		require.Eventually(t, func() bool {
			info, err := s.ClusterInfo(t.Context()).Result()
			return err == nil && clusterOK.MatchString(info)
		}, within, 10*time.Millisecond)
	}
	return servers
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return authority{certificate, key, pool}
}

// issue makes a certificate for an address.
func (a authority) issue(t *testing.T, address string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "redis"}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP(address)},
	}, a.certificate, key.Public(), a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
