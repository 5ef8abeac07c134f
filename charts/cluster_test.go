package charts_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// resources are the kinds that the chart makes, each with its place in the API.
func resources() map[string]string {
	return map[string]string{
		"v1/ConfigMap": "api/v1/namespaces/hooks/configmaps", "v1/Secret": "api/v1/namespaces/hooks/secrets",
		"v1/Service": "api/v1/namespaces/hooks/services", "v1/ServiceAccount": "api/v1/namespaces/hooks/serviceaccounts",
		"apps/v1/Deployment":                      "apis/apps/v1/namespaces/hooks/deployments",
		"apps/v1/StatefulSet":                     "apis/apps/v1/namespaces/hooks/statefulsets",
		"batch/v1/Job":                            "apis/batch/v1/namespaces/hooks/jobs",
		"autoscaling/v2/HorizontalPodAutoscaler":  "apis/autoscaling/v2/namespaces/hooks/horizontalpodautoscalers",
		"networking.k8s.io/v1/Ingress":            "apis/networking.k8s.io/v1/namespaces/hooks/ingresses",
		"networking.k8s.io/v1/NetworkPolicy":      "apis/networking.k8s.io/v1/namespaces/hooks/networkpolicies",
		"policy/v1/PodDisruptionBudget":           "apis/policy/v1/namespaces/hooks/poddisruptionbudgets",
		"gateway.networking.k8s.io/v1/HTTPRoute":  "apis/gateway.networking.k8s.io/v1/namespaces/hooks/httproutes",
		"keda.sh/v1alpha1/ScaledObject":           "apis/keda.sh/v1alpha1/namespaces/hooks/scaledobjects",
		"keda.sh/v1alpha1/TriggerAuthentication":  "apis/keda.sh/v1alpha1/namespaces/hooks/triggerauthentications",
		"monitoring.coreos.com/v1/ServiceMonitor": "apis/monitoring.coreos.com/v1/namespaces/hooks/servicemonitors",
		"monitoring.coreos.com/v1/PrometheusRule": "apis/monitoring.coreos.com/v1/namespaces/hooks/prometheusrules",
	}
}

// definitions are the kinds that are not Kubernetes' own, by the Go module whose source has them.
func definitions(t *testing.T) (paths []string) {
	t.Helper()
	for module, names := range map[string][]string{
		"sigs.k8s.io/gateway-api@v1.5.1": {"config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
		"github.com/kedacore/keda/v2@v2.21.0": {
			"config/crd/bases/keda.sh_scaledobjects.yaml", "config/crd/bases/keda.sh_triggerauthentications.yaml",
		},
		"github.com/prometheus-operator/prometheus-operator@v0.85.0": {
			"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
			"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
		},
	} {
		for _, name := range names {
			paths = append(paths, filepath.Join(moduleFolder(t, module), name))
		}
	}
	return paths
}

// TestTheClusterTakesIt asks a real API server, which runs no pods: it validates what it is
// given, by types, rules and defaults, and refuses changes of what cannot be changed.
func TestTheClusterTakesIt(t *testing.T) {
	t.Parallel()
	programs := os.Getenv("STAFFETTA_TEST_KUBE")
	if programs == "" {
		t.Skip("STAFFETTA_TEST_KUBE names no folder with etcd and kube-apiserver: `make kube` builds them")
	}
	c := startCluster(t, programs)
	for _, path := range definitions(t) {
		c.define(t, path)
	}

	for _, scenario := range scenarios(t) {
		t.Run(scenario, func(t *testing.T) {
			rendered, err := template(t, valuesOf(scenario))
			require.NoError(t, err)
			for _, m := range manifests(t, rendered) {
				c.accepts(t, m)
			}
			_, err = helm(t, "install", "x", "staffetta", "--namespace", "hooks", "--kubeconfig", c.config, "--dry-run=server", "--values", valuesOf(scenario))
			require.NoError(t, err)
		})
	}
	t.Run("an unknown field is refused by its path", func(t *testing.T) {
		rendered, err := template(t)
		require.NoError(t, err)
		for _, m := range manifests(t, rendered) {
			if m.text("kind") == "Deployment" {
				spec, _ := m["spec"].(map[string]any)
				spec["replicsa"] = 3
				status, answer := c.create(t, resources()["apps/v1/Deployment"]+dryRun, m)
				require.Equal(t, http.StatusBadRequest, status)
				require.Contains(t, answer, `unknown field \"spec.replicsa\"`)
				return
			}
		}
	})
	t.Run("one follows the other in one release", func(t *testing.T) {
		// Hooks would wait for their pods.
		for n, scenario := range []string{"default", "public", "secured", "observed", "bundled", "default"} {
			_, err := helm(t, "upgrade", "--install", "x", "staffetta", "--namespace", "hooks", "--kubeconfig", c.config, "--no-hooks", "--values", valuesOf(scenario))
			require.NoErrorf(t, err, "%d: %s", n, scenario)
		}
		out, err := helm(t, "uninstall", "x", "--namespace", "hooks", "--kubeconfig", c.config, "--no-hooks")
		require.NoError(t, err)
		require.Contains(t, out, "uninstalled")
	})
}

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
