package daemon

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/loop"
	"aad/rpc"
)

// usageKeys are what calls to models are counted by.
var usageKeys = map[string]func(*rpc.ModelUsage, apprentice.Charge){
	"run":      func(u *rpc.ModelUsage, c apprentice.Charge) { u.RunID = c.RunID },
	"day":      func(u *rpc.ModelUsage, c apprentice.Charge) { u.Day = c.Day },
	"role":     func(u *rpc.ModelUsage, c apprentice.Charge) { u.Role = c.Role },
	"agent":    func(u *rpc.ModelUsage, c apprentice.Charge) { u.Agent = c.Agent },
	"provider": func(u *rpc.ModelUsage, c apprentice.Charge) { u.Provider = c.Provider },
	"model":    func(u *rpc.ModelUsage, c apprentice.Charge) { u.Model = c.Model },
}

func (d *Daemon) usageGet(_ context.Context, _ *rpc.Peer, p rpc.UsageParams) (out rpc.ModelUsageResult, err error) {
	for field, day := range map[string]string{"since": p.Since, "until": p.Until} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return out, apprentice.Errorf(apprentice.Invalid, "%s %q is no day", field, day).WithField(field).WithHint("as in 2026-11-22")
		}
	}
	for _, key := range p.By {
		if usageKeys[key] == nil {
			return out, apprentice.Errorf(apprentice.Invalid, "usage is not counted by %q", key).WithField("by").
				WithHint("one or more of run, day, role, agent, provider, model")
		}
	}
	of := apprentice.RunID(p.RunID)
	if p.RunID != "" {
		if run, err := d.resolve(p.RunID); err == nil {
			of = run.RunID
		} else if apprentice.KindOf(err) != apprentice.NotFound { // a deleted run's charges are kept
			return out, err
		}
	}
	charges, err := d.store.Usage(p.Since, p.Until)
	if err != nil {
		return out, err
	}
	out.Rows = []rpc.ModelUsage{}
	rows := map[rpc.ModelUsage]apprentice.Spending{}
	for _, c := range charges {
		if of != "" && c.RunID != of {
			continue
		}
		var row rpc.ModelUsage
		for _, key := range p.By {
			usageKeys[key](&row, c)
		}
		rows[row] = rows[row].Plus(c.Spending)
		out.Total = out.Total.Plus(c.Spending)
	}
	if len(p.By) == 0 {
		return out, nil
	}
	for row, sum := range rows {
		row.Spending = sum
		out.Rows = append(out.Rows, row)
	}
	slices.SortFunc(out.Rows, func(a, b rpc.ModelUsage) int {
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(b.Tokens(), a.Tokens()),
			strings.Compare(a.Day+string(a.RunID)+a.Role+a.Model+a.Agent, b.Day+string(b.RunID)+b.Role+b.Model+b.Agent))
	})
	return out, nil
}

// runRegrade queues another review of an ended run's attempts.
func (d *Daemon) runRegrade(ctx context.Context, peer *rpc.Peer, p rpc.RunRegradeParams) (apprentice.Run, error) {
	run, err := d.resolve(p.RunID)
	if err != nil {
		return run, err
	}
	if p.Role != "" && !slices.Contains(loop.RegradeRoles(), p.Role) {
		return run, apprentice.Errorf(apprentice.Invalid, "no review begins with %q", p.Role).WithField("role").
			WithHint("one of %s", strings.Join(loop.RegradeRoles(), ", "))
	}
	if run.Live() {
		return run, apprentice.Errorf(apprentice.Conflict, "run %s has not ended: %s", run.RunID, run.QueueState).WithHint("aa wait %s", run.RunID)
	}
	if err := notHere(run); err != nil {
		return run, err
	}
	spec, err := d.store.Spec(run.RunID, run.Pass)
	if err == nil {
		err = notOnlyRecorded(run, spec)
	}
	if err != nil {
		return run, err
	}
	by := checkpoint.Person(peer.UID, checkpoint.ByRPC)
	change, err := loop.Regrade(d.store.Journal(run.RunID, run.Pass), run, p.Role, by.User, p.Reason, time.Now())
	if err != nil {
		return run, err
	}
	change.Update = func(r *apprentice.Run) { reopen(r, d.store.LastSeq()) }
	seen := run.EventCount
	run, err = d.store.Change(ctx, run.RunID, func(r apprentice.Run) error {
		if r.Live() || r.EventCount != seen {
			return apprentice.Errorf(apprentice.Conflict, "run %s has changed meanwhile", r.RunID).WithHint("look and try again")
		}
		return nil
	}, change)
	d.sched.touch(run.RunID)
	return run, err
}
