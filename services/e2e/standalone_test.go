package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// solo is a standalone as a process.
type solo struct {
	*installation
	*process
	env, args []string
}

func startSolo(t *testing.T, dir string, flags ...string) *solo {
	t.Helper()
	address, kafka := freeAddress(t), freeAddress(t)
	s := &solo{
		env:  []string{"HOME=" + dir},
		args: append([]string{"standalone", "--data", dir, "--listen", address, "--kafka-listen", kafka}, flags...),
		installation: &installation{
			backends:  running{"STAFFETTA_KAFKA_BROKERS": kafka, "STAFFETTA_DATABASE_URL": "sqlite:" + filepath.Join(dir, "staffetta.db")},
			addresses: map[string]string{},
		},
	}
	for _, service := range services {
		s.addresses[service] = address
	}
	s.boot(t)
	t.Cleanup(func() { s.process.end(t, syscall.SIGTERM) })
	return s
}

// running are servers inside of the process under test.
type running map[string]string

func (r running) environment() map[string]string { return r }
func (r running) restart(t *testing.T, _ string) { t.Fatal("they live and die with their process") }
func (r running) servers() []string              { return nil }

func (s *solo) boot(t *testing.T) {
	t.Helper()
	s.process = launch(t, "standalone", s.env, s.args...)
	s.awaitReady(t, "api")
	key, err := os.ReadFile(s.args[2] + "/admin-key")
	require.NoError(t, err)
	s.adminKey = strings.TrimSpace(string(key))
}

func TestStandaloneDeliversWhatWasUnderWayWhenItWasKilled(t *testing.T) {
	t.Parallel()
	s := startSolo(t, t.TempDir())
	a := s.newTenant(t)
	killed := make(chan struct{})
	r := newReceiver(t, func(n int, _ *http.Request) int {
		if n == 0 {
			<-killed
		}
		return 204
	})
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	s.awaitLive(t)
	ids := publish(t, s.installation, a, func() {})
	r.await(t, 1)
	s.process.end(t, syscall.SIGKILL)
	close(killed)
	s.boot(t)
	requireAll(t, a, r, ids)
}

func TestTheDemoShowsDeliveriesAndHowToTryTheAPI(t *testing.T) {
	t.Parallel()
	s := startSolo(t, t.TempDir(), "--demo")
	eventually(t, func() error {
		shown := string(s.log.bytes())
		for _, what := range []string{"http://" + s.addresses["api"], "API key", "sk_", "delivered"} {
			if !strings.Contains(shown, what) {
				return is("a terminal without "+what, "one with it")
			}
		}
		return nil
	})
}

func TestTwoProcessesDoNotShareADataFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startSolo(t, dir)
	second := launch(t, "second", nil, "standalone", "--data", dir, "--listen", freeAddress(t), "--kafka-listen", freeAddress(t))
	<-second.exited
	require.Equal(t, 1, second.cmd.ProcessState.ExitCode())
	require.Contains(t, string(second.log.bytes()), "in use by another staffetta")
}

func TestBadSettingsAreListedAllAtOnce(t *testing.T) {
	t.Parallel()
	p := launch(t, "router", []string{"STAFFETTA_REDIS_URL=nonsense", "STAFFETTA_LOG_LEVEL=loud"}, "router")
	<-p.exited
	require.Equal(t, 2, p.cmd.ProcessState.ExitCode())
	for _, name := range []string{"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_REDIS_URL", "STAFFETTA_LOG_LEVEL"} {
		require.Contains(t, string(p.log.bytes()), name)
	}
}
