package publish_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/staffetta/staffetta/pkg/publish"
)

func TestPublishingOverTLSWithALogin(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil) // for its certificate, of 127.0.0.1
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "events.test", "events.others"),
		kfake.TLS(&tls.Config{Certificates: server.TLS.Certificates}),
		kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("SCRAM-SHA-256", "reader", "secret"),
		kfake.Superuser("PLAIN", "plain", "secret"),
		kfake.User("SCRAM-SHA-512", "shop", "secret",
			kfake.ACL{Allow: true, Resource: kmsg.ACLResourceTypeTopic, Name: "events.test",
				Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationWrite},
			kfake.ACL{Allow: true, Resource: kmsg.ACLResourceTypeTopic, Name: "events.others",
				Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationDescribe}))
	require.NoError(t, err)
	defer cluster.Close()
	k := kafka{T: t, brokers: cluster.ListenAddrs(), topic: "events.test"}
	as := func(mechanism, username, password string) *publish.Publisher {
		return k.publisher(publish.Config{
			TLS:  &tls.Config{RootCAs: roots},
			SASL: &publish.SASL{Mechanism: mechanism, Username: username, Password: password},
		})
	}
	shop := as("SCRAM-SHA-512", "shop", "secret")
	require.NoError(t, shop.Publish(patient(t), k.topic, contact("1")))
	require.NoError(t, as("SCRAM-SHA-256", "reader", "secret").Publish(patient(t), k.topic, contact("2")))
	require.NoError(t, as("PLAIN", "plain", "secret").Publish(patient(t), k.topic, contact("3")))
	k.read(3, kgo.DialTLSConfig(&tls.Config{RootCAs: roots}),
		kgo.SASL(scram.Auth{User: "reader", Pass: "secret"}.AsSha256Mechanism()))

	require.ErrorIs(t, shop.Publish(patient(t), "events.others", contact("4")), publish.ErrTopic, "it may not write there")
	require.ErrorIs(t, shop.Publish(patient(t), "events.hidden", contact("4")), publish.ErrTopic, "it may not even see it")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err = as("PLAIN", "plain", "wrong").Publish(ctx, k.topic, contact("4"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, `while the partitions of "events.test" were not known: read the cluster's layout`)
	require.NotContains(t, err.Error(), "wrong")
}
