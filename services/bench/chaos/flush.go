package chaos

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// flushTimeout bounds a whole flush, which takes milliseconds.
const flushTimeout = 10 * time.Second

// flush empties the database that a redis:// URL names, in Redis's own protocol:
// the driver belongs to another package, which has no use for this.
func flush(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("flush redis: its URL cannot be read") //nolint:errorlint // the URL may hold a password
	}
	if u.Scheme != "redis" {
		return fmt.Errorf("flush redis: a URL of the form %s:// is not supported", u.Scheme)
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "6379")
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return fmt.Errorf("flush redis: %w", err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(flushTimeout)); err != nil {
		return fmt.Errorf("flush redis: %w", err)
	}
	answers := bufio.NewReader(connection)
	for _, command := range flushCommands(u) {
		if _, err := connection.Write(resp(command)); err != nil {
			return fmt.Errorf("flush redis: %w", err)
		}
		line, err := answers.ReadString('\n')
		if err != nil {
			return fmt.Errorf("flush redis: %w", err)
		}
		if !strings.HasPrefix(line, "+") {
			return fmt.Errorf("flush redis: %s: %s", command[0], strings.TrimSpace(line))
		}
	}
	return nil
}

func flushCommands(u *url.URL) (commands [][]string) {
	if password, ok := u.User.Password(); ok {
		login := []string{"AUTH", password}
		if name := u.User.Username(); name != "" {
			login = []string{"AUTH", name, password}
		}
		commands = append(commands, login)
	}
	if database := strings.Trim(u.Path, "/"); database != "" {
		commands = append(commands, []string{"SELECT", database})
	}
	return append(commands, []string{"FLUSHDB"})
}

// resp is a command as an array of bulk strings.
func resp(command []string) []byte {
	text := fmt.Appendf(nil, "*%d\r\n", len(command))
	for _, word := range command {
		text = fmt.Appendf(text, "$%d\r\n%s\r\n", len(word), word)
	}
	return text
}
