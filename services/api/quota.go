package api

import "github.com/staffetta/staffetta/pkg/hook"

// maxQuotaCalls bounds the calls of a quota: the largest integer that every
// reader of JSON, who may keep numbers as doubles, sees exactly (2^53 - 1).
const maxQuotaCalls int64 = 1<<53 - 1

// Quota is how many requests an account may make in each period. The whole may
// be null.
type Quota struct {
	_      struct{} `nullable:"true"`
	Calls  int64    `json:"calls" minimum:"1" maximum:"9007199254740991" example:"1000" doc:"Requests in a period; attempts that fail count too."`
	Period string   `json:"period" example:"10m" doc:"Whole seconds, 1s to 744h. Periods are counted from the Unix epoch: with 1h, on the hour in UTC."`
}

func showQuota(q *hook.Quota) *Quota {
	if q == nil {
		return nil
	}
	return &Quota{Calls: q.Calls, Period: durationText(q.Period)}
}

// readQuota reads the member quota; given is false if it is absent. null is
// given, and means no limit.
func readQuota(d *document) (quota *hook.Quota, given bool) {
	if d.null("quota") {
		return nil, true
	}
	in := d.object("quota", `must be an object such as {"calls": 1000, "period": "10m"}, or null`)
	if in == nil {
		return nil, false
	}
	in.require("calls")
	in.require("period")
	quota = &hook.Quota{}
	quota.Calls, _ = integer(in, "calls", 1, maxQuotaCalls)
	quota.Period, _ = in.seconds("period", hook.MinQuotaPeriod, hook.MaxQuotaPeriod)
	in.noOthers()
	return quota, true
}
