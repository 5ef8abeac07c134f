package mailer

import "github.com/prometheus/client_golang/prometheus"

// Why a notification is given up.
const (
	reasonExpired = "expired"
	reasonRefused = "refused"
)

type metrics struct {
	mails    *prometheus.CounterVec
	givenUp  *prometheus.CounterVec
	failures prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		mails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_recorder_mails_total", Help: "Mails to members that were tried, by what became of them: sent, refused, deferred, away, broken.",
		}, []string{"fate"}),
		givenUp: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_recorder_mails_given_up_total",
			Help: "Notifications that were not mailed to a member: the recipient was refused, or they waited for too long (expired).",
		}, []string{"reason"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_recorder_mail_failures_total", Help: "Failures to read or write what is to be mailed, each tried again.",
		}),
	}
	r.MustRegister(m.mails, m.givenUp, m.failures)
	// Of a counter that is first seen at 1 Prometheus knows no increase, and nobody would be alerted.
	for _, reason := range []string{reasonExpired, reasonRefused} {
		m.givenUp.WithLabelValues(reason)
	}
	return m
}
