package redisstore

import (
	"crypto/tls"
	"errors"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
)

// source is what a URL names: one of the three is set.
type source struct {
	server    *redis.Options
	cluster   *redis.ClusterOptions
	sentinels *redis.FailoverOptions
}

// errURL does not repeat the URL, which may hold a password.
var errURL = errors.New("must be redis://[user:password@]host:port[/db] or rediss://…; of a Redis Cluster ?cluster=true, " +
	"of Sentinels ?master_name=NAME, either with more nodes as &addr=host:port")

// errTrust says that there is nothing to be trusted.
var errTrust = errors.New("must begin with rediss:// where certificates are set for it")

// parse reads a URL; trust, unless nil, has the authorities and the client certificate for
// its TLS.
func parse(text string, trust *tls.Config) (source, error) {
	s, secured, err := readURL(text)
	if err != nil {
		return source{}, errURL
	}
	if trust == nil {
		return s, nil
	}
	if *secured == nil {
		return source{}, errTrust
	}
	// The name to verify is the URL's first host, for every node.
	own := trust.Clone()
	own.ServerName = (*secured).ServerName
	own.InsecureSkipVerify = (*secured).InsecureSkipVerify
	*secured = own
	return s, nil
}

// readURL also returns where the TLS of what it read is.
func readURL(text string) (s source, secured **tls.Config, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return s, nil, err
	}
	query := u.Query()
	cluster := query.Get("cluster")
	switch {
	case query.Has("master_name"):
		s.sentinels, err = redis.ParseFailoverURL(text)
		if err != nil || s.sentinels.MasterName == "" || cluster != "" {
			return s, nil, errURL
		}
		return s, &s.sentinels.TLSConfig, nil
	case cluster == "true":
		if u.Path != "" && u.Path != "/" && u.Path != "/0" {
			return s, nil, errURL // a cluster has no other database
		}
		query.Del("cluster")
		u.RawQuery = query.Encode()
		if s.cluster, err = redis.ParseClusterURL(u.String()); err != nil {
			return s, nil, err
		}
		if s.cluster.TLSConfig != nil {
			s.cluster.TLSConfig.MinVersion = tls.VersionTLS12
		}
		return s, &s.cluster.TLSConfig, nil
	default:
		if s.server, err = redis.ParseURL(text); err != nil {
			return s, nil, err
		}
		return s, &s.server.TLSConfig, nil
	}
}

// client makes a client that does not connect yet.
func (s source) client() redis.UniversalClient {
	switch {
	case s.cluster != nil:
		return redis.NewClusterClient(s.cluster)
	case s.sentinels != nil:
		return redis.NewFailoverClient(s.sentinels)
	default:
		return redis.NewClient(s.server)
	}
}

// once makes a client that gives up after the timeout, which is of a dial, a read and a
// write each, and never repeats a command whose outcome is unknown.
func (s source) once(timeout time.Duration) redis.UniversalClient {
	switch {
	case s.cluster != nil:
		options := *s.cluster
		options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
		// A cluster's client repeats by redirects too. Without them a slot that has moved costs
		// an error, after which it asks where the slots are.
		options.MaxRedirects = -1
		options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout, timeout, timeout
		return redis.NewClusterClient(&options)
	case s.sentinels != nil:
		options := *s.sentinels
		options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
		options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout, timeout, timeout
		return redis.NewFailoverClient(&options)
	default:
		options := *s.server
		options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
		options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout, timeout, timeout
		return redis.NewClient(&options)
	}
}
