package standalone

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// kept returns the secret in a file of the data folder, and makes it at the
// first start. It is written whole or not at all, readable by the owner alone.
func kept(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	var key [32]byte
	rand.Read(key[:]) // never fails: crypto/rand ends the program first
	secret := base64.StdEncoding.EncodeToString(key[:])
	whole, err := os.CreateTemp(dir, name+"-*")
	if err != nil {
		return "", fmt.Errorf("keep %s: %w", name, err)
	}
	_, err = whole.WriteString(secret + "\n")
	if err := errors.Join(err, whole.Sync(), whole.Close(), os.Rename(whole.Name(), path)); err != nil {
		return "", fmt.Errorf("keep %s: %w", name, err)
	}
	return secret, nil
}
