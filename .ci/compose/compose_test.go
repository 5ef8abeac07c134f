// Package compose checks what runs Staffetta in containers, on machines without a container engine:
// docker-compose.yml, the Dockerfile, and the settings in .compose.
//
//	compose_test.go      what each container may and waits for
//	environment_test.go  that every variable is one that the program knows, with a value that it takes
//	dockerfile_test.go   that the image is made by make targets, and holds no more than it should
//	image_test.go        that the binary needs nothing else
//	settings_test.go     the settings of gateway, collector, Prometheus and Grafana
//	up_test.go           `docker compose up`, but each command a process, on real servers
package compose

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

const (
	repository = "../.."
	// binary is the program in the image.
	binary = "/staffetta"
)

// load reads the file as Compose does: unknown keys, references to what is not there and cycles are errors.
// env are variables of whoever calls Compose.
func load(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{repository + "/docker-compose.yml"}, cli.WithEnv(env))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

// ours tells whether a container runs our program.
func ours(s types.ServiceConfig) bool { return s.Build != nil }

// job tells whether a container is to end: somebody waits for that.
func job(project *types.Project, name string) bool {
	for _, s := range project.Services {
		if d, ok := s.DependsOn[name]; ok && d.Condition == types.ServiceConditionCompletedSuccessfully {
			return true
		}
	}
	return false
}

// exempt are the rules that a container does not keep; docker-compose.yml says why.
var exempt = map[string]string{
	"kafka":     "read_only",
	"collector": "healthcheck",
}

// pinned is a version to its last number, of which PostgreSQL's have two.
var pinned = regexp.MustCompile(`:v?\d+\.\d+\.\d+(-alpine)?$|^postgres:\d+\.\d+-alpine$`)

func TestEveryContainerIsPinnedConfinedAndChecked(t *testing.T) {
	t.Parallel()
	project := load(t)
	for name, s := range project.Services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := map[string]bool{
				"read_only":   s.ReadOnly,
				"healthcheck": job(project, name) || s.HealthCheck != nil && len(s.HealthCheck.Test) > 1,
			}
			for rule, is := range kept {
				require.Equal(t, exempt[name] != rule, is, rule)
			}
			if ours(s) {
				require.Equal(t, "staffetta/staffetta:trial", s.Image)
				require.Empty(t, s.Volumes, "nothing of ours is kept in a container")
				require.Empty(t, s.User, "the image says who")
			} else {
				require.Regexp(t, pinned, s.Image)
			}
			require.Equal(t, []string{"ALL"}, s.CapDrop)
			require.Empty(t, s.CapAdd)
			require.False(t, s.Privileged)
			require.Contains(t, s.SecurityOpt, "no-new-privileges:true")
			for _, p := range s.Ports {
				require.Equal(t, "127.0.0.1", p.HostIP, "secrets are for a trial, so nobody else gets in")
			}
			for _, v := range s.Volumes {
				require.NotContains(t, v.Source, "docker.sock")
				if v.Type == types.VolumeTypeBind {
					require.True(t, v.ReadOnly, v.Target)
					require.True(t, strings.HasPrefix(v.Source, project.WorkingDir+"/"), v.Source)
					require.FileExists(t, first(v.Source))
				}
			}
		})
	}
}

func TestWhatAContainerWaitsForCanHappen(t *testing.T) {
	t.Parallel()
	project := load(t)
	for name, s := range project.Services {
		for other, d := range s.DependsOn {
			awaited := project.Services[other]
			switch d.Condition {
			case types.ServiceConditionHealthy:
				require.NotNil(t, awaited.HealthCheck, "%s waits for %s", name, other)
			case types.ServiceConditionCompletedSuccessfully:
				require.NotContains(t, []string{"always", "unless-stopped"}, awaited.Restart, "%s waits for the end of %s", name, other)
			default:
				require.Fail(t, "a condition that says nothing", "%s waits for %s: %s", name, other, d.Condition)
			}
		}
	}
}

func TestEveryServiceIsAContainerOfItsOwn(t *testing.T) {
	t.Parallel()
	project := load(t)
	for _, name := range []string{"api", "router", "sender", "recorder", "receipts", "invoices", "contacts", "stock"} {
		s := project.Services[name]
		require.Equal(t, types.ShellCommand{name}, s.Command)
		require.Equal(t, types.HealthCheckTest{"CMD", binary, "healthcheck"}, s.HealthCheck.Test)
		require.Greater(t, *s.StopGracePeriod, types.Duration(30e9), "a sender finishes what is under way in 30 s")
		for _, needed := range []string{"migrate", "topics", "kafka", "redis", "postgres"} {
			require.True(t, s.DependsOn[needed].Required, "%s waits for %s", name, needed)
		}
	}
	require.Equal(t, "migrate", project.Services["migrate"].Command[0])
	require.Equal(t, "topics", project.Services["topics"].Command[0])
}

// What a webhook reaches must not be where the servers are.
func TestNoServerIsInTheNetworkOfTheReceivers(t *testing.T) {
	t.Parallel()
	project := load(t)
	var members []string
	for name, s := range project.Services {
		if _, in := s.Networks["receivers"]; in {
			members = append(members, name)
		}
	}
	slices.Sort(members)
	require.Equal(t, []string{"receiver", "sender"}, members)
	subnet := project.Networks["receivers"].Ipam.Config[0].Subnet
	require.Equal(t, subnet, *project.Services["sender"].Environment["STAFFETTA_EGRESS_ALLOW"])
	require.Equal(t, subnet, *project.Services["api"].Environment["STAFFETTA_EGRESS_ALLOW"])
}

// .ci/servers starts these by name, with ports of its choice.
func TestTheServersOfMakeServersWaitForNobody(t *testing.T) {
	t.Parallel()
	project := load(t, "STAFFETTA_KAFKA_PORT=20001", "STAFFETTA_REDIS_PORT=20002", "STAFFETTA_POSTGRES_PORT=20003")
	for name, port := range map[string]string{"kafka": "20001", "redis": "20002", "postgres": "20003"} {
		s := project.Services[name]
		require.Empty(t, s.DependsOn)
		require.Empty(t, s.Profiles)
		require.Equal(t, port, s.Ports[0].Published)
		require.Nil(t, s.Logging, "they run without a collector")
	}
	require.Contains(t, *project.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"], "HOST://127.0.0.1:20001,")
}

func TestTheLogsOfOursGoToTheCollector(t *testing.T) {
	t.Parallel()
	project := load(t, "STAFFETTA_FLUENTD_PORT=20004")
	require.Equal(t, "20004", project.Services["collector"].Ports[0].Published)
	require.EqualValues(t, 24224, project.Services["collector"].Ports[0].Target)
	for name, s := range project.Services {
		if ours(s) {
			require.Equal(t, "fluentd", s.Logging.Driver, name)
			require.Equal(t, "127.0.0.1:20004", s.Logging.Options["fluentd-address"], name)
			require.Equal(t, "true", s.Logging.Options["fluentd-async"], "%s starts without it", name)
		}
	}
}
