package egress_test

import (
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

func TestWhatIsShownOfAnErrorTellsNothingOfOurNetwork(t *testing.T) {
	t.Parallel()
	ours, theirs := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 40000}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 3), Port: 443}
	for want, err := range map[string]error{
		"connect: dial: connect: connection refused": &net.OpError{
			Op: "dial", Net: "tcp", Source: ours, Addr: theirs, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
		},
		"connect: read: i/o timeout":                                fmt.Errorf("%w", &net.OpError{Op: "read", Net: "tcp", Source: ours, Addr: theirs, Err: os.ErrDeadlineExceeded}),
		"connect: dial: egress is forbidden":                        &net.OpError{Op: "dial", Addr: theirs, Err: egress.ErrForbidden},
		"connect: lookup a.example: no such host":                   &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "a.example", Server: "10.0.0.53:53"}},
		"connect: lookup a.example: i/o timeout":                    &net.DNSError{Err: "read udp 10.0.0.2:40000->10.0.0.53:53: i/o timeout", Name: "a.example"},
		"connect: malformed answer: above 3 bytes":                  fmt.Errorf("%w: above 3 bytes", egress.ErrMalformed),
		"connect: " + egress.ErrLocal.Error():                       &net.OpError{Op: "dial", Net: "tcp", Source: ours, Err: syscall.EADDRNOTAVAIL},
		"connect: remote error: tls: unknown certificate authority": &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")},
	} {
		require.Equal(t, want, egress.Failure(egress.StageConnect, err).Shown())
	}
}

func TestWhereANameLedIsNotShown(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(nil)
	t.Cleanup(receiver.Close)
	_, err := egress.NewClient(egress.Policy{}).Post(request(t, strings.Replace(receiver.URL, "127.0.0.1", "localhost", 1)))
	require.ErrorIs(t, err, egress.ErrForbidden)
	var fault *egress.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "connect: dial: egress is forbidden: the address is private or reserved", fault.Shown())
}

func TestWhatIsLackingHereIsNotTheReceiversFault(t *testing.T) {
	t.Parallel()
	for _, lack := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		err := egress.Failure(egress.StageSend, &net.OpError{Op: "write", Err: os.NewSyscallError("write", lack)})
		require.ErrorIs(t, err, egress.ErrLocal)
		require.ErrorIs(t, err, lack)
	}
	for _, theirs := range []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH} {
		require.NotErrorIs(t, egress.Failure(egress.StageConnect, theirs), egress.ErrLocal)
	}
}
