package charts_test

import (
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// types are the kinds of Kubernetes that the chart makes.
func types() map[string]any {
	return map[string]any{
		"v1/ConfigMap": &corev1.ConfigMap{}, "v1/Secret": &corev1.Secret{}, "v1/Service": &corev1.Service{},
		"v1/ServiceAccount":  &corev1.ServiceAccount{},
		"apps/v1/Deployment": &appsv1.Deployment{}, "apps/v1/StatefulSet": &appsv1.StatefulSet{},
		"batch/v1/Job":                           &batchv1.Job{},
		"autoscaling/v2/HorizontalPodAutoscaler": &autoscalingv2.HorizontalPodAutoscaler{},
		"networking.k8s.io/v1/Ingress":           &networkingv1.Ingress{},
		"networking.k8s.io/v1/NetworkPolicy":     &networkingv1.NetworkPolicy{},
		"policy/v1/PodDisruptionBudget":          &policyv1.PodDisruptionBudget{},
	}
}

// TestEveryObjectIsOneOfKubernetes: with no field that its type does not have, twice, or of
// another kind.
func TestEveryObjectIsOneOfKubernetes(t *testing.T) {
	t.Parallel()
	others := defined(t)
	for _, scenario := range scenarios(t) {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			rendered, err := template(t, valuesOf(scenario))
			require.NoError(t, err)
			known := types()
			for document := range strings.SplitSeq("\n"+rendered, "\n---") {
				for _, m := range manifests(t, document) {
					kind := m.text("apiVersion") + "/" + m.text("kind")
					if into, ok := known[kind]; ok {
						require.NoError(t, yaml.UnmarshalStrict([]byte(document), into), m.name())
						continue
					}
					require.Contains(t, others, kind)
					require.NoError(t, others[kind].Validate(map[string]any(m)), m.name())
				}
			}
		})
	}
}

// defined are the schemas of kinds that are not Kubernetes' own, which know every field.
func defined(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	schemas := map[string]*jsonschema.Schema{}
	for _, path := range definitions(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		definition := manifest{}
		require.NoError(t, yaml.Unmarshal(text, &definition))
		for _, version := range definition.list("spec", "versions") {
			kind := definition.text("spec", "group") + "/" + version.text("name") + "/" + definition.text("spec", "names", "kind")
			schema, _ := version.at("schema", "openAPIV3Schema").(map[string]any)
			closeSchema(schema)
			properties, _ := schema["properties"].(map[string]any)
			properties["metadata"] = map[string]any{"type": "object"} // which the cluster itself checks
			compiler := jsonschema.NewCompiler()
			require.NoError(t, compiler.AddResource(kind, schema))
			schemas[kind], err = compiler.Compile(kind)
			require.NoError(t, err, kind)
		}
	}
	return schemas
}

// closeSchema makes of a schema of OpenAPI, as Kubernetes reads it, one that refuses unknown fields.
func closeSchema(schema map[string]any) {
	_, named := schema["properties"]
	if named && schema["x-kubernetes-preserve-unknown-fields"] != true && schema["additionalProperties"] == nil {
		schema["additionalProperties"] = false
	}
	if schema["x-kubernetes-int-or-string"] == true {
		delete(schema, "type")
	}
	for key, value := range schema {
		within, _ := value.(map[string]any)
		switch key {
		case "properties":
			for _, property := range within {
				if schema, ok := property.(map[string]any); ok {
					closeSchema(schema)
				}
			}
		case "items", "additionalProperties":
			if within != nil {
				closeSchema(within)
			}
		}
	}
}
