package cmd_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/services/cmd"
)

func TestRekeySaysWhatItDid(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"STAFFETTA_DATABASE_URL":   "sqlite:" + filepath.Join(t.TempDir(), "staffetta.db"),
		"STAFFETTA_ENCRYPTION_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	}
	run := func(command string) (status int, out, errors string) {
		var o, e bytes.Buffer
		status = cmd.Main([]string{command}, cmd.Environment{Out: &o, Err: &e, Lookup: func(name string) (string, bool) {
			value, ok := env[name]
			return value, ok
		}})
		return status, o.String(), e.String()
	}
	status, _, errors := run("rekey")
	require.Equal(t, 1, status)
	require.Contains(t, errors, "run `staffetta migrate` first")
	status, _, errors = run("migrate")
	require.Zero(t, status, errors)
	status, out, errors := run("rekey")
	require.Zero(t, status, errors)
	require.Equal(t, "sealed anew with key 630dcd29: 0 secrets of 0 webhooks of 0 accounts\n", out)
}
