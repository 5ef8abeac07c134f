package compose

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// built is the program that `make build` made, named by STAFFETTA_TEST_BINARY as `make test-compose` does.
func built(t *testing.T) string {
	t.Helper()
	path := os.Getenv("STAFFETTA_TEST_BINARY")
	if path == "" {
		t.Skip("needs STAFFETTA_TEST_BINARY: make test-compose")
	}
	return path
}

// image is a root directory with what the image holds, which nobody can write to. Without root it is an empty
// name, and commands then run in the machine's own.
func image(t *testing.T) (root string) {
	t.Helper()
	program := built(t)
	if os.Getuid() != 0 {
		t.Log("not root: programs run in the root directory of this machine, with its rights")
		return ""
	}
	root = t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(root), 0o755))
	require.NoError(t, os.MkdirAll(root+"/etc/ssl/certs", 0o755))
	place(t, "/etc/ssl/certs/ca-certificates.crt", root+"/etc/ssl/certs/ca-certificates.crt", 0o444)
	place(t, program, root+binary, 0o555)
	// Read-only as by the engine, where this machine lets us mount; else only by its owner.
	if err := syscall.Mount(root, root, "", syscall.MS_BIND, ""); err != nil {
		t.Logf("cannot mount (%v): the root directory is root's, not read-only", err)
		require.NoError(t, os.Chmod(root, 0o555))
		return root
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(root, syscall.MNT_DETACH)) })
	require.NoError(t, syscall.Mount("", root, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	require.ErrorIs(t, os.WriteFile(root+"/file", nil, 0o600), syscall.EROFS)
	return root
}

func place(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, mode)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}

// nobody is the account of the image's programs.
const nobody = 65532

// command runs the image's program as the engine does: with nothing of this machine but its network.
func command(t *testing.T, root string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, attributes := binary, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if root == "" {
		path = built(t)
	} else {
		attributes.Chroot = root
		attributes.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return &exec.Cmd{Path: path, Args: append([]string{path}, args...), Env: append([]string{}, env...), Dir: "/", SysProcAttr: attributes}
}

func TestTheProgramNeedsNoOtherFile(t *testing.T) {
	t.Parallel()
	program, err := elf.Open(built(t))
	require.NoError(t, err)
	defer program.Close()
	for _, part := range program.Progs {
		require.NotEqual(t, elf.PT_INTERP, part.Type, "it asks for a dynamic linker")
	}
	libraries, err := program.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libraries)

	said, err := command(t, image(t), nil, "version").CombinedOutput()
	require.NoError(t, err, string(said))
	require.Regexp(t, `^staffetta \S+ \(\S+\)\n$`, string(said))
	if version := os.Getenv("STAFFETTA_TEST_VERSION"); version != "" {
		require.Equal(t, "staffetta "+version+"\n", string(said))
	}
}

func TestTheListOfModulesIsThatOfTheProgram(t *testing.T) {
	t.Parallel()
	program := built(t)
	info, err := buildinfo.ReadFile(program)
	require.NoError(t, err)
	var want []string
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		want = append(want, module.Path)
	}
	text, err := os.ReadFile(program + ".cdx.json")
	require.NoError(t, err)
	var list struct {
		Format     string `json:"bomFormat"`
		Components []struct{ Name, Version, PURL string }
	}
	require.NoError(t, json.Unmarshal(text, &list))
	require.Equal(t, "CycloneDX", list.Format)
	var found []string
	for _, c := range list.Components {
		found = append(found, c.Name)
	}
	require.Subset(t, found, want)
	require.Contains(t, found, "github.com/segmentio/kafka-go")
}
