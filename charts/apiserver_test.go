package charts_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// dryRun validates an object strictly and does not keep it.
const dryRun = "?dryRun=All&fieldValidation=Strict"

// cluster is an API server of the test's own.
type cluster struct {
	url, config string
	client      *http.Client
}

const token = "tokentokentoken"

func startCluster(t *testing.T, programs string) cluster {
	t.Helper()
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	accounts := file("accounts.key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	tokens := file("tokens.csv", []byte(token+`,admin,1,"system:masters"`))

	store := "http://" + freeAddress(t)
	run(t, filepath.Join(programs, "etcd"), "--data-dir", filepath.Join(folder, "etcd"), "--listen-client-urls", store, "--advertise-client-urls", store,
		"--listen-peer-urls", "http://"+freeAddress(t), "--log-level", "error")
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	run(t, filepath.Join(programs, "kube-apiserver"), "--etcd-servers="+store, "--secure-port="+port, "--bind-address=127.0.0.1",
		"--cert-dir="+filepath.Join(folder, "certificates"), "--token-auth-file="+tokens, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes", "--service-account-key-file="+accounts, "--service-account-signing-key-file="+accounts,
		"--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount")
	c := cluster{
		url: "https://" + address,
		// The certificate is one that the server has just made for itself.
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}, //nolint:gosec
	}
	c.config = file("config", fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: %q}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
`, c.url, token))
	require.Eventually(t, func() bool {
		status, _, err := c.ask(t, http.MethodGet, "readyz", nil)
		return err == nil && status == http.StatusOK
	}, 2*time.Minute, 100*time.Millisecond, "the API server answers")
	status, answer := c.create(t, "api/v1/namespaces", manifest{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "hooks"}})
	require.Equal(t, http.StatusCreated, status, answer)
	return c
}

// run starts a program that ends with the test.
func run(t *testing.T, program string, arguments ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	process := exec.Command(program, arguments...)
	process.Stdout, process.Stderr = log, log
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = process.Process.Kill() // it may be gone already
		_ = process.Wait()
		_ = log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s:\n%s", filepath.Base(program), text[max(0, len(text)-5000):])
		}
	})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// ask sends a request as the cluster's administrator.
func (c cluster) ask(t *testing.T, method, path string, body []byte) (status int, answer string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.url+"/"+path, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func (c cluster) create(t *testing.T, path string, m manifest) (status int, answer string) {
	t.Helper()
	body, err := json.Marshal(m)
	require.NoError(t, err)
	status, answer, err = c.ask(t, http.MethodPost, path, body)
	require.NoError(t, err)
	return status, answer
}

func (c cluster) accepts(t *testing.T, m manifest) {
	t.Helper()
	path, ok := resources()[m.text("apiVersion")+"/"+m.text("kind")]
	require.True(t, ok, m.name())
	status, answer := c.create(t, path+dryRun, m)
	require.Equal(t, http.StatusCreated, status, "%s: %s", m.name(), answer)
}

// names are those of the objects of a kind that contain a text.
func (c cluster) names(t *testing.T, kind, text string) []string {
	t.Helper()
	_, answer, err := c.ask(t, http.MethodGet, resources()[kind], nil)
	require.NoError(t, err)
	list := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(answer), &list))
	var names []string
	for _, m := range manifest(list).list("items") {
		if name := m.text("metadata", "name"); strings.Contains(name, text) {
			names = append(names, name)
		}
	}
	return names
}

// finishJobs stands in for the controller of jobs: each is done as soon as it is there, if
// what its pod needs is. done ends that, and says which were.
func (c cluster) finishJobs(t *testing.T) (done func() []string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	finished := map[string]bool{}
	var ended sync.WaitGroup
	ended.Go(func() {
		for tick := time.NewTicker(50 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			for _, name := range c.names(t, "batch/v1/Job", "") {
				if finished[name] {
					continue
				}
				assert.Contains(t, c.names(t, "v1/ServiceAccount", ""), "first-staffetta-jobs")
				assert.Contains(t, c.names(t, "v1/Secret", ""), "first-staffetta-jobs")
				assert.Contains(t, c.names(t, "networking.k8s.io/v1/NetworkPolicy", ""), name)
				now := time.Now().UTC().Format(time.RFC3339)
				condition := func(kind string) string {
					return fmt.Sprintf(`{"type": %q, "status": "True", "lastProbeTime": %q, "lastTransitionTime": %q}`, kind, now, now)
				}
				status, answer, err := c.ask(t, http.MethodPatch, resources()["batch/v1/Job"]+"/"+name+"/status", fmt.Appendf(nil,
					`{"status": {"succeeded": 1, "startTime": %q, "completionTime": %q, "conditions": [%s, %s]}}`,
					now, now, condition("SuccessCriteriaMet"), condition("Complete")))
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, status, answer)
				finished[name] = true
			}
		}
	})
	return func() []string {
		stop()
		ended.Wait()
		return slices.Collect(maps.Keys(finished))
	}
}

// define makes a kind known, and waits until it is.
func (c cluster) define(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	definition := manifest{}
	require.NoError(t, yaml.Unmarshal(text, &definition))
	const all = "apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	status, answer := c.create(t, all, definition)
	require.Equal(t, http.StatusCreated, status, answer)
	require.Eventually(t, func() bool {
		_, answer, err := c.ask(t, http.MethodGet, all+"/"+definition.text("metadata", "name"), nil)
		return err == nil && strings.Contains(answer, `"reason":"InitialNamesAccepted"`)
	}, time.Minute, 50*time.Millisecond)
	for _, version := range definition.list("spec", "versions") {
		group := "apis/" + definition.text("spec", "group") + "/" + version.text("name")
		if served, _ := version["served"].(bool); !served {
			continue
		}
		require.Eventually(t, func() bool {
			status, answer, err := c.ask(t, http.MethodGet, group, nil)
			return err == nil && status == http.StatusOK && strings.Contains(answer, `"`+definition.text("spec", "names", "plural")+`"`)
		}, time.Minute, 50*time.Millisecond)
	}
}

// moduleFolder downloads a module, unless it is there, and says where it is.
func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module)
	c.Dir = t.TempDir()
	out, err := c.Output()
	require.NoError(t, err, string(out))
	var answer struct{ Dir string }
	require.NoError(t, json.Unmarshal(out, &answer))
	return answer.Dir
}
