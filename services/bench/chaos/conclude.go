package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// conclude waits until all is delivered and in the log, stops the services, and
// judges.
func (r *run) conclude(ctx context.Context, tenants []tenant, p *publisher) error {
	ended := time.Now()
	finished, expected := r.ledger.progress()
	r.tell("%d of %d are delivered; waiting for the rest", finished, expected)
	_, err := await(ctx, r.cfg.Patience, func(context.Context) (int, bool, error) {
		finished, expected := r.ledger.progress()
		return finished, finished == expected, r.in.revive()
	})
	if err != nil {
		return err
	}
	finished, _ = r.ledger.progress()
	r.result.Drain = max(r.ledger.newest().Sub(ended), 0).Seconds()
	r.tell("%d of %d are delivered; waiting for the log", finished, expected)
	rows, err := r.in.awaitHistory(ctx, tenants, expected, r.cfg.Patience)
	if err != nil {
		return err
	}
	r.tell("%d of %d are delivered in the log", rows.delivered(), expected)
	rows, differences, err := r.in.awaitUsage(ctx, tenants, rows, r.ledger.begun)
	if err != nil {
		return err
	}
	loud, err := r.lookInto(ctx, rows)
	if err != nil {
		return err
	}
	if err := r.in.remove(ctx, tenants); err != nil {
		return err
	}
	r.in.stopAll()

	r.result.Scenario, r.result.Servers, r.result.Payload = "chaos", r.in.servers.kind(), "thin"
	if r.cfg.Outage != nil {
		r.result.Scenario = "outage"
	}
	r.result.Rounds, r.result.Seed, r.result.Logs = r.cfg.Rounds, r.cfg.Seed, r.cfg.Logs
	r.result.Events, r.result.Accounts = p.events, len(tenants)
	for _, t := range tenants {
		r.result.Webhooks += len(t.webhooks)
	}
	file, err := os.Create(filepath.Join(r.cfg.Logs, "findings.txt"))
	if err != nil {
		return fmt.Errorf("findings: %w", err)
	}
	f := &findings{to: file, begun: r.ledger.begun}
	for _, b := range r.blows {
		f.blow(b)
	}
	r.judge(f)
	r.judgeLog(f, rows, loud)
	r.result.UsageWrong = len(differences)
	for _, d := range differences {
		f.line("%s", d)
	}
	r.result.Faults, err = r.complaints()
	return errors.Join(err, f.err, file.Close())
}

// judge counts what the receivers saw.
func (r *run) judge(f *findings) {
	var took []time.Duration
	r.result.Repeated = map[cause]int{}
	r.ledger.each(func(id string, d *delivery) {
		r.result.Duplicated += max(len(d.requests)-1, 0)
		if !d.done() {
			r.result.Lost++
			f.delivery("lost", id, d)
			return
		}
		r.result.Deliveries++
		took = append(took, d.requests[0].arrived.Sub(d.published))
		for _, repeated := range repetitions(d.requests, r.blows, r.cfg.Within) {
			r.result.Repeated[repeated.cause]++
			f.delivery("repeated, "+string(repeated.cause), id, d)
		}
	})
	r.result.Strange = len(r.ledger.strange)
	r.result.RepeatedUnexplained = r.result.Repeated[unexplained]
	for _, count := range r.result.Repeated {
		r.result.RepeatedExplained += count
	}
	r.result.RepeatedExplained -= r.result.RepeatedUnexplained
	r.result.timed(took, r.ledger.newest().Sub(r.ledger.begun))
}

// judgeLog compares the log with what the receivers saw. loud are deliveries of
// which the log shows more attempts than the receivers can account for.
func (r *run) judgeLog(f *findings, rows history, loud map[string]bool) {
	r.ledger.each(func(id string, d *delivery) {
		row, ok := rows[id]
		switch {
		case !ok:
			r.result.LogMissing++
			f.delivery("not in the log", id, d)
		case row.Status != "delivered":
			r.result.LogUndelivered++
			f.delivery(row.Status+" in the log", id, d)
		case loud[id] || row.AttemptCount < max(recordable(d.requests, r.blows, r.cfg.Within), 1):
			r.result.LogInconsistent++
			f.delivery(fmt.Sprintf("with %d attempts in the log", row.AttemptCount), id, d)
		}
		delete(rows, id)
	})
	r.result.Strange += len(rows) // which nobody published
}

// lookInto finds deliveries of which the log has more attempts than the receiver
// saw, and those without an answer do not account for the difference.
func (r *run) lookInto(ctx context.Context, rows history) (loud map[string]bool, err error) {
	var suspects []row
	r.ledger.each(func(id string, d *delivery) {
		if row, ok := rows[id]; ok && row.AttemptCount > len(d.requests) {
			suspects = append(suspects, row)
		}
	})
	loud = map[string]bool{}
	for i, row := range suspects {
		if i == maxLookedInto {
			break
		}
		silent, err := r.in.silent(ctx, row)
		if err != nil {
			return nil, err
		}
		loud[row.ID] = row.AttemptCount-silent > r.ledger.seen(row.ID)
	}
	return loud, nil
}

// complaints are what services did that they should not have, and what they wrote
// that no service should.
func (r *run) complaints() ([]string, error) {
	faults := slices.Clone(r.in.faults)
	logs, err := filepath.Glob(filepath.Join(r.cfg.Logs, "*.log"))
	if err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("logs: %w", err)
		}
		for _, bad := range []string{"DATA RACE", "panic:", "fatal error:"} {
			if n := bytes.Count(text, []byte(bad)); n > 0 {
				faults = append(faults, fmt.Sprintf("%s says %q %d times", filepath.Base(name), bad, n))
			}
		}
	}
	return faults, nil
}
