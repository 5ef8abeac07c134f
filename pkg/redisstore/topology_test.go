package redisstore

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// What real servers are like together, no miniredis shows: slots, elections, TLS.

func TestARedisClusterHoldsAllThatOneServerDoes(t *testing.T) {
	t.Parallel()
	servers := cluster(t)
	c := client(t, "redis://"+servers[0].address()+"?cluster=true&addr="+servers[1].address())
	s := NewStore(c, zap.NewNop())
	refill(t, s, account("acme", 1, "wh_1"))
	m := follow(t, c)
	requireVersion(t, m, "acme", 1)

	require.NoError(t, s.Publish(t.Context(), []hook.AccountState{account("acme", 2), account("beta", 1)}))
	requireVersion(t, m, "acme", 2)
	requireVersion(t, m, "beta", 1)
	// A second fill takes the place of the first.
	refill(t, s, account("acme", 3), account("beta", 1))
	requireVersion(t, m, "acme", 3)
	digest, ok, err := s.Digest(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, hook.StateDigest{Accounts: 2, Versions: 4}, digest)

	circuits, filters, counting := NewCircuits(c), NewFilterErrors(c), counters(t, c)
	var webhooks []string
	for n := range 30 { // on each of the servers some
		id := fmt.Sprintf("wh_%d", n)
		webhooks = append(webhooks, id)
		require.NoError(t, circuits.Report(t.Context(), []Circuit{{Webhook: id, State: "open", For: time.Minute}}))
		require.NoError(t, filters.Report(t.Context(), []hook.FilterError{{Webhook: id, Count: 2, At: time.Now()}}))
		for range 2 {
			_, err := counting.Add(t.Context(), id, time.UnixMilli(1), 3, time.Now().Add(time.Minute))
			require.NoError(t, err)
		}
		sum, err := counting.Add(t.Context(), id, time.UnixMilli(1), 0, time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.EqualValues(t, 6, sum)
	}
	states, err := circuits.Circuits(t.Context(), append(webhooks, "wh_other"))
	require.NoError(t, err)
	failed, err := filters.FilterErrors(t.Context(), webhooks)
	require.NoError(t, err)
	for n := range webhooks {
		require.Equal(t, "open", states[n])
		require.EqualValues(t, 2, failed[n].Count)
	}
	require.Equal(t, "closed", states[len(webhooks)])

	for _, server := range servers {
		size, err := server.DBSize(t.Context()).Result()
		require.NoError(t, err)
		require.NotZero(t, size, "each has its share")
	}
	require.NoError(t, c.Flush(t.Context()))
	for _, server := range servers {
		size, err := server.DBSize(t.Context()).Result()
		require.NoError(t, err)
		require.Zero(t, size)
	}
}

func TestSentinelsLeadToTheNextMaster(t *testing.T) {
	t.Parallel()
	master := start(t, nil, plainly("--repl-diskless-sync-delay", "0"))
	replica := start(t, nil, plainly("--replicaof", "127.0.0.1 "+strconv.Itoa(master.port)))
	settings := filepath.Join(t.TempDir(), "sentinel.conf") // which it writes to
	require.NoError(t, os.WriteFile(settings, fmt.Appendf(nil,
		"sentinel monitor main 127.0.0.1 %d 1\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 1000\n", master.port), 0o600))
	sentinel := start(t, nil, func(port int) []string { return []string{settings, "--sentinel", "--port", strconv.Itoa(port)} })
	// On a busy machine it may not run for some seconds. It then trusts itself for this long less, and not half a minute,
	// and takes a replica for a good one that lost the master up to ten times the above before it saw that.
	require.NoError(t, sentinel.Do(t.Context(), "SENTINEL", "DEBUG", "tilt-period", 1000).Err())

	c := client(t, "redis://"+sentinel.address()+"?master_name=main")
	s := NewStore(c, zap.NewNop())
	refill(t, s, account("acme", 1, "wh_1"))
	m := follow(t, c)
	requireVersion(t, m, "acme", 1)
	counting := counters(t, c)
	require.Eventually(t, func() bool {
		known, err := sentinel.Do(t.Context(), "SENTINEL", "REPLICAS", "main").Slice()
		return err == nil && len(known) == 1
	}, 2*within, 10*time.Millisecond)

	require.Eventually(t, func() bool { // an epoch is named last: the next master has all of it
		named, err := replica.Exists(t.Context(), epochKey).Result()
		return err == nil && named == 1
	}, within, 10*time.Millisecond)

	master.kill()
	require.Eventually(t, func() bool {
		role, err := replica.Do(t.Context(), "ROLE").Slice()
		return err == nil && role[0] == "master"
	}, 2*within, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		err := s.Publish(t.Context(), []hook.AccountState{account("acme", 2)})
		return err == nil
	}, 2*within, 10*time.Millisecond)
	requireVersion(t, m, "acme", 2)
	require.Eventually(t, func() bool {
		_, err := counting.Add(t.Context(), "acme", time.UnixMilli(1), 1, time.Now().Add(time.Minute))
		return err == nil
	}, 2*within, 10*time.Millisecond)
}

func TestAServerIsTrustedByItsAuthorityAndTrustsAClientLikewise(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authority := newAuthority(t)
	pair := authority.issue(t, "127.0.0.1")
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	trust := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authority.pool, Certificates: []tls.Certificate{pair}}
	s := start(t, trust, func(port int) []string {
		return []string{"--port", "0", "--tls-port", strconv.Itoa(port), "--tls-ca-cert-file", file("ca.crt", "CERTIFICATE", authority.certificate.Raw),
			"--tls-cert-file", file("tls.crt", "CERTIFICATE", pair.Certificate[0]), "--tls-key-file", file("tls.key", "PRIVATE KEY", key)}
	})
	open := func(trust *tls.Config) *Client {
		c, err := OpenTLS("rediss://"+s.address(), trust)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.Close()) })
		return c
	}
	require.NoError(t, open(trust).Ping(t.Context()))
	_, err = counters(t, open(trust)).Add(t.Context(), "acme", time.UnixMilli(1), 1, time.Now().Add(time.Minute))
	require.NoError(t, err)
	require.ErrorContains(t, open(&tls.Config{RootCAs: authority.pool}).Ping(t.Context()), "ping redis", "it asks for a certificate")
	require.ErrorContains(t, open(&tls.Config{Certificates: trust.Certificates}).Ping(t.Context()), "unknown authority")
	require.ErrorContains(t, open(nil).Ping(t.Context()), "unknown authority")
}

func TestURLs(t *testing.T) {
	t.Parallel()
	trust := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	for text, want := range map[string]struct {
		trust *tls.Config
		err   error
	}{
		"redis://cache:6379/3":                                {nil, nil},
		"redis://cache?cluster=true&addr=b:6379":              {nil, nil},
		"redis://cache/0?cluster=true":                        {nil, nil},
		"redis://s1:26379/1?master_name=main&addr=s2:26379":   {nil, nil},
		"rediss://cache?cluster=true":                         {trust, nil},
		"rediss://s1:26379?master_name=main":                  {trust, nil},
		"redis://cache/3?cluster=true":                        {nil, errURL},
		"redis://:hidden@cache?cluster=yes":                   {nil, errURL},
		"redis://:hidden@cache?cluster=true&master_name=main": {nil, errURL},
		"redis://:hidden@cache?master_name=":                  {nil, errURL},
		"redis://:hidden@cache?addr=b:6379":                   {nil, errURL},
		"redis://:hidden@cache?cluster=true&addr=b":           {nil, errURL},
		"redis://cache":                                       {trust, errTrust},
	} {
		c, err := OpenTLS(text, want.trust)
		require.ErrorIs(t, err, want.err, text)
		if err == nil {
			require.NoError(t, c.Close())
			continue
		}
		require.NotContains(t, err.Error(), "hidden")
	}
}

func TestACounterIsNeverRepeated(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"redis://h", "redis://h?cluster=true", "redis://h?master_name=main"} {
		from, err := parse(text, nil)
		require.NoError(t, err)
		switch rdb := from.once(time.Second).(type) {
		case *redis.ClusterClient:
			require.Zero(t, rdb.Options().MaxRedirects)
		case *redis.Client:
			require.Zero(t, rdb.Options().MaxRetries)
			require.Equal(t, time.Second, rdb.Options().ReadTimeout)
		}
	}
}
