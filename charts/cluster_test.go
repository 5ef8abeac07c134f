package charts_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
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
	t.Run("the jobs run first, with all that they need, which then goes", func(t *testing.T) {
		ran := c.finishJobs(t)
		_, err := helm(t, "install", "first", "staffetta", "--namespace", "hooks", "--kubeconfig", c.config, "--values", valuesOf("secured"))
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"first-staffetta-migrate", "first-staffetta-topics"}, ran())
		require.Empty(t, c.names(t, "v1/Secret", "-jobs"))
		require.Empty(t, c.names(t, "v1/ServiceAccount", "-jobs"))
		require.Empty(t, c.names(t, "networking.k8s.io/v1/NetworkPolicy", "-topics"))
		require.Len(t, c.names(t, "apps/v1/Deployment", ""), 3)

		ran = c.finishJobs(t)
		_, err = helm(t, "upgrade", "first", "staffetta", "--namespace", "hooks", "--kubeconfig", c.config, "--values", valuesOf("secured"))
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"first-staffetta-migrate", "first-staffetta-topics", "first-staffetta-rekey"}, ran())
		require.Empty(t, c.names(t, "v1/Secret", "-jobs"))
		_, err = helm(t, "uninstall", "first", "--namespace", "hooks", "--kubeconfig", c.config)
		require.NoError(t, err)
		for kind := range types() {
			require.Empty(t, c.names(t, kind, "first-"), "nothing stays")
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
