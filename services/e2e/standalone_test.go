package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
	return startSoloWith(t, dir, nil, flags...)
}

// startSoloWith adds to the environment.
func startSoloWith(t *testing.T, dir string, env []string, flags ...string) *solo {
	t.Helper()
	address, kafka := freeAddress(t), freeAddress(t)
	s := &solo{
		env:  append([]string{"HOME=" + dir}, env...),
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
	t.Cleanup(func() { s.end(t, syscall.SIGTERM, grace) })
	return s
}

// running are servers inside of the process under test.
type running map[string]string

func (r running) environment() map[string]string { return r }
func (r running) servers() []string              { return nil }
func (r running) stop(t *testing.T, _ string)    { t.Fatal("they live and die with their process") }
func (r running) start(t *testing.T, _ string)   { t.Fatal("they live and die with their process") }

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
	const first = "There is no account yet"
	eventually(t, func() error {
		if shown := string(s.log.bytes()); !strings.Contains(shown, first) {
			return fmt.Errorf("the terminal does not show how to begin:\n%s", shown)
		}
		return nil
	})
	a := s.newTenant(t)
	r, release := newSlowReceiver(t)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	s.awaitLive(t)
	ids := publish(t, s.installation, a, func() {})
	r.await(t, 1)
	s.end(t, syscall.SIGKILL, within)
	release()
	s.boot(t)
	requireAll(t, a, r, ids)
	require.NotContains(t, string(s.log.bytes()), first, "there is one now")
}

// shownDelivery is a line such as
//
//	12:07:01  delivered  contact.update           /contacts/14                   8 ms after the change
var shownDelivery = regexp.MustCompile(
	`(?m)^\d\d:\d\d:\d\d  delivered  [a-z_]+\.(create|update|delete) +/[a-z-]+/\d+( \(\+\d+\))? +\d+ ms after the change`)

func TestTheDemoShowsDeliveriesAndHowToTryTheAPI(t *testing.T) {
	t.Parallel()
	s := startSolo(t, t.TempDir(), "--demo")
	eventually(t, func() error {
		shown := string(s.log.bytes())
		for _, what := range []string{"http://" + s.addresses["api"], "API key", "sk_"} {
			if !strings.Contains(shown, what) {
				return fmt.Errorf("the terminal does not show %q:\n%s", what, shown)
			}
		}
		if !shownDelivery.MatchString(shown) {
			return fmt.Errorf("the terminal shows no delivery:\n%s", shown)
		}
		return nil
	})
}

func TestTwoProcessesDoNotShareADataFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startSolo(t, dir)
	second := launch(t, "second", nil, "standalone", "--data", dir, "--listen", freeAddress(t), "--kafka-listen", freeAddress(t))
	require.Equal(t, 1, second.awaitExit(t))
	require.Contains(t, string(second.log.bytes()), "in use by another staffetta")
}

func TestBadSettingsAreListedAllAtOnce(t *testing.T) {
	t.Parallel()
	p := launch(t, "router", []string{"STAFFETTA_REDIS_URL=nonsense", "STAFFETTA_LOG_LEVEL=loud"}, "router")
	require.Equal(t, 2, p.awaitExit(t))
	for _, name := range []string{"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_REDIS_URL", "STAFFETTA_LOG_LEVEL"} {
		require.Contains(t, string(p.log.bytes()), name)
	}
}
