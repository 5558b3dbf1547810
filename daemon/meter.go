package daemon

import (
	"context"
	"encoding/json"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aad/apprentice"
	"aad/loop"
	"aad/storage"
)

// meter counts what happens, by following the log of events as any watcher does,
// from where it stood when aad started. What stands at a moment (queue, slots,
// watchers) is asked for when somebody looks.
type meter struct {
	d        *Daemon
	registry *prometheus.Registry

	queueWait  prometheus.Histogram
	askWait    prometheus.Histogram
	runTime    prometheus.Histogram
	attempts   *prometheus.CounterVec
	attempt    *prometheus.HistogramVec
	ended      *prometheus.CounterVec
	tokens     *prometheus.CounterVec
	modelCalls prometheus.Counter

	// Owned by Serve.
	asked map[apprentice.RunID]time.Time           // runs that wait for a person
	spent map[apprentice.RunID]apprentice.Spending // counted already, of runs that called a model
}

// waits are the buckets of waits for a slot or a person, in seconds; times those of
// work.
var (
	waits = []float64{0.01, 0.1, 1, 10, 60, 300, 1800, 7200, 86400}
	times = []float64{0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400}
)

func newMeter(d *Daemon) *meter {
	m := &meter{
		d: d, registry: prometheus.NewRegistry(), asked: map[apprentice.RunID]time.Time{}, spent: map[apprentice.RunID]apprentice.Spending{},
		queueWait:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "aad_queue_wait_seconds", Help: "From queued to started.", Buckets: waits}),
		askWait:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "aad_checkpoint_wait_seconds", Help: "From a question to its answer.", Buckets: waits}),
		runTime:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "aad_run_duration_seconds", Help: "From a pass's start to its end.", Buckets: times}),
		attempts:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aad_attempts_total", Help: "Attempts that have ended, by agent and outcome."}, []string{"agent", "outcome"}),
		attempt:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "aad_attempt_duration_seconds", Help: "How long attempts took.", Buckets: times}, []string{"agent"}),
		ended:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aad_runs_ended_total", Help: "Passes of runs that have ended, by state and verdict."}, []string{"state", "verdict"}),
		tokens:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aad_mentor_tokens_total", Help: "Tokens of the mentor's models, by direction."}, []string{"direction"}),
		modelCalls: prometheus.NewCounter(prometheus.CounterOpts{Name: "aad_mentor_calls_total", Help: "Calls to the mentor's models."}),
	}
	m.registry.MustRegister(m.queueWait, m.askWait, m.runTime, m.attempts, m.attempt, m.ended, m.tokens, m.modelCalls, levels{d})
	return m
}

// Serve counts until ctx ends.
func (m *meter) Serve(ctx context.Context) error {
	more := m.d.store.Watch("")
	defer more.Close()
	after := m.d.store.LastSeq()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-more.C():
		}
		for {
			records, last, err := m.d.store.Log(after, watchPage, nil)
			if err != nil {
				m.d.log.Error("read the log for metrics", "error", err)
				break
			}
			for _, r := range records {
				m.count(r)
			}
			if last == after {
				break
			}
			after = last
		}
	}
}

// count takes one event in.
func (m *meter) count(r storage.Record) {
	var e apprentice.Event
	if r.RunID == "" || json.Unmarshal(r.JSON, &e) != nil {
		return // what the daemon notes of itself; its own events can be read
	}
	if run, err := m.d.store.Run(r.RunID); err == nil && run.Imported != nil && r.Index <= run.Imported.Events {
		return // it happened elsewhere
	}
	at, _ := time.Parse(time.RFC3339, e.CreatedAt) // a Stamp
	switch e.EventType {
	case apprentice.RunStarted, apprentice.FollowupStarted:
		if run, err := m.d.store.Run(r.RunID); err == nil {
			m.queueWait.Observe(since(run.QueuedAt, at))
		}
	case apprentice.AttemptCompleted, apprentice.RevisionCompleted:
		m.countAttempt(r.RunID)
	case apprentice.CheckpointOpened:
		m.asked[r.RunID] = at
	case apprentice.CheckpointResolved:
		if opened, ok := m.asked[r.RunID]; ok {
			m.askWait.Observe(at.Sub(opened).Seconds())
		}
		delete(m.asked, r.RunID)
	case apprentice.RunCompleted, apprentice.RunCancelled, apprentice.FollowupCompleted:
		delete(m.asked, r.RunID)
		m.countEnd(r.RunID, at)
	}
}

// countAttempt counts the latest attempt of a run. One that was deleted meanwhile is
// not counted.
func (m *meter) countAttempt(id apprentice.RunID) {
	run, err := m.d.store.Run(id)
	if err != nil {
		return
	}
	attempts, err := loop.Attempts(m.d.store.Journal(id, run.Pass), id, run.Pass)
	if err != nil || len(attempts) == 0 {
		return
	}
	a := attempts[len(attempts)-1]
	m.attempts.WithLabelValues(run.Agent, a.Status).Inc()
	if ended, err := time.Parse(time.RFC3339, a.EndedAt); err == nil {
		m.attempt.WithLabelValues(run.Agent).Observe(since(a.StartedAt, ended))
	}
}

func (m *meter) countEnd(id apprentice.RunID, at time.Time) {
	run, err := m.d.store.Run(id)
	if err != nil {
		return
	}
	m.ended.WithLabelValues(string(run.QueueState), string(run.Verdict)).Inc()
	if run.PassStartedAt != "" {
		m.runTime.Observe(since(run.PassStartedAt, at))
	}
	if run.Spending == nil {
		return
	}
	was, now := m.spent[id], *run.Spending
	m.tokens.WithLabelValues("input").Add(float64(max(0, now.InputTokens-was.InputTokens)))
	m.tokens.WithLabelValues("output").Add(float64(max(0, now.OutputTokens-was.OutputTokens)))
	m.modelCalls.Add(float64(max(0, now.Calls-was.Calls)))
	m.spent[id] = now
}

// since is the time from a Stamp, in seconds; 0 where the clock was set back or the
// stamp cannot be read.
func since(stamp string, at time.Time) float64 {
	from, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(from).Seconds())
}
