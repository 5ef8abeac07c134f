package chaos

import (
	"bufio"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/embedded"
)

// say sends a command and returns the first line of the answer.
func say(t *testing.T, address string, command ...string) string {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close()) }()
	_, err = connection.Write(resp(command))
	require.NoError(t, err)
	line, err := bufio.NewReader(connection).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

func TestAFlushEmptiesRedis(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartRedis("")
	require.NoError(t, err)
	defer server.Close()
	address := strings.TrimPrefix(server.URL(), "redis://")
	require.Equal(t, "+OK", say(t, address, "SET", "k", "v"))
	require.Equal(t, ":1", say(t, address, "EXISTS", "k"))
	require.NoError(t, flush(t.Context(), server.URL()+"/0"))
	require.Equal(t, ":0", say(t, address, "EXISTS", "k"))
}

func TestAFlushThatFailsSaysWhyAndNoPassword(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartRedis("")
	require.NoError(t, err)
	defer server.Close()
	address := strings.TrimPrefix(server.URL(), "redis://")
	for _, test := range []struct{ url, want string }{
		{"redis://me:hidden@" + address, "AUTH"},
		{"rediss://me:hidden@" + address, "rediss:// is not supported"},
		{"redis://me:hidden@%zz", "cannot be read"},
	} {
		err := flush(t.Context(), test.url)
		require.ErrorContains(t, err, test.want)
		require.NotContains(t, err.Error(), "hidden")
	}
}

func TestTheLoginAndTheDatabaseOfTheURLAreHeeded(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][][]string{
		"redis://cache":              {{"FLUSHDB"}},
		"redis://cache/3":            {{"SELECT", "3"}, {"FLUSHDB"}},
		"redis://:secret@cache":      {{"AUTH", "secret"}, {"FLUSHDB"}},
		"redis://me:secret@cache/12": {{"AUTH", "me", "secret"}, {"SELECT", "12"}, {"FLUSHDB"}},
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		require.Equal(t, want, flushCommands(u))
	}
}
