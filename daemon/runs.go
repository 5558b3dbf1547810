package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"aad/apprentice"
	"aad/loop"
	"aad/rpc"
	"aad/storage"
)

const (
	pageBytes        = 12 << 10
	maxListed        = 200
	shownInstruction = 8 << 10
)

func (d *Daemon) runGet(ctx context.Context, _ *rpc.Peer, p rpc.RunParams) (rpc.RunDetail, error) {
	run, err := d.resolve(p.RunID)
	if err != nil {
		return rpc.RunDetail{}, err
	}
	d.sched.tellStuck(&run)
	folder := d.home.Run(run.RunID)
	out := rpc.RunDetail{Run: run, Folder: string(folder), Artifacts: folder.Artifacts(), Attempts: []apprentice.Attempt{}}
	for pass := range run.Pass + 1 {
		spec, err := d.store.Spec(run.RunID, pass)
		if err != nil {
			return out, err
		}
		if pass == 0 {
			out.Instruction = cut(spec.Instruction, shownInstruction)
		} else {
			out.Followups = append(out.Followups, cut(spec.Instruction, shownInstruction))
		}
		out.Assets = append(out.Assets, spec.Assets...)
		out.Settings, out.Repository, out.Sandbox = spec.Settings, spec.Repository, sandboxOf(spec.Settings)
		attempts, err := loop.Attempts(d.store.Journal(run.RunID, pass), run.RunID, pass)
		if err != nil {
			return out, err
		}
		out.Attempts = append(out.Attempts, attempts...)
	}
	if run.QueueState == apprentice.Queued {
		if out.Ahead, err = d.ahead(ctx, run); err != nil {
			return out, err
		}
		out.Queued, err = d.sched.standing(run)
	}
	return out, err
}

// ahead counts the queued runs that would start before this one.
func (d *Daemon) ahead(ctx context.Context, run apprentice.Run) (int, error) {
	waiting, err := d.sched.turns(ctx)
	n, own := 0, queuedAs(run)
	for _, e := range waiting {
		if before(e, own) {
			n++
		}
	}
	return n, err
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xC0 == 0x80 { // not within a character
		most--
	}
	return text[:most] + "…"
}

func (d *Daemon) runList(_ context.Context, _ *rpc.Peer, p rpc.RunListParams) (rpc.RunListResult, error) {
	filter := storage.Filter{Labels: p.Labels, Group: p.Group, Agent: p.Agent, Verdict: apprentice.Verdict(p.Verdict), Text: p.Text}
	switch filter.Verdict {
	case "", apprentice.Passed, apprentice.FailedReview, apprentice.Unreviewed:
	default:
		return rpc.RunListResult{}, apprentice.Errorf(apprentice.Invalid, "verdict %q is unknown", cut(p.Verdict, 40)).WithField("verdict").
			WithHint("the verdicts are %s, %s and %s", apprentice.Passed, apprentice.FailedReview, apprentice.Unreviewed)
	}
	var err error
	if filter.States, err = states(p.States); err != nil {
		return rpc.RunListResult{}, err
	}
	if filter.Since, err = stamp("since", p.Since); err != nil {
		return rpc.RunListResult{}, err
	}
	if filter.Until, err = stamp("until", p.Until); err != nil {
		return rpc.RunListResult{}, err
	}
	limit := p.Limit
	if limit == 0 {
		limit = 20
	}
	if limit < 0 || limit > maxListed {
		return rpc.RunListResult{}, apprentice.Errorf(apprentice.Invalid, "limit %d is not between 1 and %d", limit, maxListed).WithField("limit")
	}
	runs, next, err := d.store.Runs(filter, p.Cursor, limit)
	if runs == nil {
		runs = []apprentice.Run{}
	}
	for i := range runs {
		d.sched.tellStuck(&runs[i])
	}
	return rpc.RunListResult{Runs: runs, Next: next}, err
}

func states(words []string) ([]apprentice.QueueState, error) {
	var out []apprentice.QueueState
	for _, w := range words {
		s := apprentice.QueueState(w)
		if !s.Known() {
			return nil, apprentice.Errorf(apprentice.Invalid, "state %q is unknown", w).WithField("states").
				WithHint("queued, running, waiting, deferred, completed, partial, failed, cancelled")
		}
		out = append(out, s)
	}
	return out, nil
}

func stamp(field, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	t, err := apprentice.ParseStamp(text)
	if err != nil {
		return "", apprentice.Errorf(apprentice.Invalid, "%s %q is no RFC 3339 time", field, text).WithField(field)
	}
	return apprentice.Stamp(t), nil
}

func (d *Daemon) runEvents(_ context.Context, _ *rpc.Peer, p rpc.RunEventsParams) (rpc.RunEventsResult, error) {
	out := rpc.RunEventsResult{Events: []apprentice.Event{}}
	run, err := d.resolve(p.RunID)
	if err != nil {
		return out, err
	}
	records, err := d.store.Events(run.RunID, p.After, pageBytes)
	for _, r := range records {
		var e apprentice.Event
		if err := json.Unmarshal(r.JSON, &e); err != nil {
			return out, fmt.Errorf("read event %d of run %s: %w", r.Index, run.RunID, err)
		}
		out.Events = append(out.Events, e)
	}
	if n := len(out.Events); n > 0 {
		out.More = out.Events[n-1].EventIndex < run.EventCount
	}
	return out, err
}

// runWait waits by following the run's events, so that it costs nothing meanwhile.
func (d *Daemon) runWait(ctx context.Context, _ *rpc.Peer, p rpc.RunWaitParams) (rpc.RunWaitResult, error) {
	run, err := d.resolve(p.RunID)
	if err != nil {
		return rpc.RunWaitResult{}, err
	}
	wanted, err := states(p.States)
	if err != nil {
		return rpc.RunWaitResult{}, err
	}
	if err := notNegative("timeout_seconds", p.Deadline); err != nil {
		return rpc.RunWaitResult{}, err
	}
	if p.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(p.Deadline)*time.Second)
		defer cancel()
	}
	more := d.store.Watch(run.RunID)
	defer more.Close()
	for {
		if run, err = d.store.Run(run.RunID); err != nil {
			return rpc.RunWaitResult{}, err
		}
		if isIn(run.QueueState, wanted) {
			if !run.Live() {
				d.mirror.flush(ctx, run.RunID)
			}
			return rpc.RunWaitResult{Run: run, Reached: true}, nil
		}
		select {
		case <-more.C():
		case <-d.stopping:
			return rpc.RunWaitResult{}, rpc.ErrStopping()
		case <-ctx.Done():
			if p.Deadline > 0 && context.Cause(ctx) == context.DeadlineExceeded {
				return rpc.RunWaitResult{Run: run}, nil
			}
			return rpc.RunWaitResult{}, ctx.Err()
		}
	}
}

// isIn reports whether a state is among the wanted ones; none wanted means ended.
func isIn(state apprentice.QueueState, wanted []apprentice.QueueState) bool {
	if len(wanted) == 0 {
		return state.Ended()
	}
	for _, w := range wanted {
		if state == w {
			return true
		}
	}
	return false
}
