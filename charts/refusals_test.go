package charts_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsWrongIsSaidBeforeAnythingIsInstalled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values []string
		// says are the key and the rule; Helm 3 and 4 differ in what is around them.
		says []string
	}{
		"an unknown key":               {[]string{"kafak.brokers={a:1}"}, []string{"dditional propert", "kafak", "not allowed"}},
		"one of a service":             {[]string{"services.sender.replica=3"}, []string{"sender", "dditional propert", "replica", "not allowed"}},
		"an unknown service":           {[]string{"services.courier.replicas=3"}, []string{"services", "dditional propert", "courier", "not allowed"}},
		"a broker without port":        {[]string{"kafka.brokers={kafka}"}, []string{"brokers", "oes not match pattern"}},
		"no broker":                    {[]string{"kafka.brokers=null"}, []string{"kafka", "brokers"}},
		"an unknown mechanism":         {[]string{"kafka.sasl.mechanism=GSSAPI"}, []string{"mechanism", "SCRAM-SHA-512"}},
		"a login without its user":     {[]string{"kafka.sasl.mechanism=PLAIN"}, []string{"kafka.sasl.username: is required with kafka.sasl.mechanism"}},
		"less grace than the drain":    {[]string{"defaults.terminationGracePeriodSeconds=30"}, []string{"terminationGracePeriodSeconds", "45"}},
		"lag of one that has none":     {[]string{"services.api.autoscaling.by=lag"}, []string{"services.api.autoscaling.by: must be \"cpu\""}},
		"lag of a bundled Kafka":       {[]string{"services.sender.autoscaling.by=lag", "bundled.kafka.enabled=true"}, []string{"which KEDA does not reach"}},
		"less at most than at least":   {[]string{"services.api.autoscaling.by=cpu", "services.api.autoscaling.max=1"}, []string{"services.api.autoscaling.max: must be at least min, 2, not 1"}},
		"a Gateway's route without it": {[]string{"gateway.enabled=true"}, []string{"gateway.parentRefs: is required"}},
		"what the chart sets itself":   {[]string{"services.api.env[0].name=STAFFETTA_ADMIN_KEY", "services.api.env[0].value=x"}, []string{"STAFFETTA_ADMIN_KEY is set by the chart already"}},
		"a network that is none":       {[]string{"settings.egressAllow={10.0.0.0}"}, []string{"egressAllow", "oes not match pattern"}},
		"a Secret that lacks a key":    {[]string{"secret.create=true", "secret.values.STAFFETTA_ADMIN_KEY=0123456789abcdef0123456789abcdef"}, []string{"secret.values.STAFFETTA_DATABASE_URL: is required with secret.create"}},
		"a short admin key":            {[]string{"secret.create=true", "secret.values.STAFFETTA_ADMIN_KEY=short"}, []string{"STAFFETTA_ADMIN_KEY", "32"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := template(t, test.values...)
			require.Error(t, err)
			for _, words := range test.says {
				require.ErrorContains(t, err, words)
			}
		})
	}
}
