package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/staffetta/staffetta/services/config"
)

// workload is what is of interest here in a Deployment or a Job.
type workload struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Args []string
					Env  []struct {
						Name, Value string
						ValueFrom   struct {
							SecretKeyRef *struct{ Key string } `yaml:"secretKeyRef"`
						} `yaml:"valueFrom"`
					}
				}
			}
		}
	}
}

// secrets are what the chart's Secret may hold.
var secrets = vars{
	"STAFFETTA_DATABASE_URL":        "postgres://staffetta:hidden@db/staffetta",
	"STAFFETTA_ADMIN_KEY":           adminKey,
	"STAFFETTA_ENCRYPTION_KEY":      encryptionKey,
	"STAFFETTA_REDIS_URL":           "rediss://:hidden@cache?cluster=true",
	"STAFFETTA_KAFKA_SASL_PASSWORD": "hidden",
	"STAFFETTA_SMTP_URL":            "smtps://mail.example.com",
	"STAFFETTA_OIDC_CLIENT_SECRET":  "hidden",
	"STAFFETTA_EGRESS_PROXY":        "http://proxy:3128",
	"POSTGRES_PASSWORD":             "hidden",
}

// TestEachServiceTakesWhatTheChartGivesIt reads what the chart's tests render.
func TestEachServiceTakesWhatTheChartGivesIt(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	files, err := filepath.Glob("../../charts/testdata/*/golden.yaml")
	require.NoError(t, err)
	started := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for document := range strings.SplitSeq("\n"+string(text), "\n---") {
			var w workload
			require.NoError(t, yaml.Unmarshal([]byte(document), &w), file)
			if w.Kind != "Deployment" && w.Kind != "Job" {
				continue
			}
			container := w.Spec.Template.Spec.Containers[0]
			env := vars{}
			for _, entry := range container.Env {
				value := entry.Value
				switch {
				case entry.ValueFrom.SecretKeyRef != nil:
					value = secrets[entry.ValueFrom.SecretKeyRef.Key]
					require.NotEmpty(t, value, entry.Name)
				case strings.HasSuffix(entry.Name, "_KEY_FILE"):
					value = key
				case strings.HasSuffix(entry.Name, "_FILE"):
					value = cert
				}
				env[entry.Name] = value
			}
			_, err := config.Load(container.Args[0], env.lookup, nil)
			require.NoError(t, err, "%s: %s", file, w.Metadata.Name)
			started[container.Args[0]] = true
		}
	}
	for _, service := range []string{"api", "router", "sender", "recorder", "receipts", "invoices", "contacts", "stock", "migrate", "topics", "rekey"} {
		require.True(t, started[service], service)
	}
}
