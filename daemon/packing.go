package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"aad/apprentice"
	"aad/bundle"
	"aad/bundle/sanitise"
	"aad/loop"
)

// packer makes bundles anew after their runs have ended: when a session is finished,
// or a follow-up was only recorded.
type packer struct {
	*notes
	d   *Daemon
	one sync.Mutex // around one bundle after the other
}

func newPacker(d *Daemon) *packer {
	p := &packer{d: d}
	p.notes = newNotes(filepath.Join(string(d.home), "bundles_due"), "make a bundle anew", d.log, p.remake)
	return p
}

// remake makes a due bundle and forgets that it was. A run that is at work, or whose
// session waits for its final approval, has its bundle made by that.
func (p *packer) remake(ctx context.Context, id apprentice.RunID) error {
	if !p.owes(id) {
		return nil // another has made it
	}
	settled := p.settling(id)
	run, err := p.d.store.Run(id)
	switch {
	case apprentice.KindOf(err) == apprentice.NotFound:
		return settled()
	case err != nil:
		return err
	case run.Live():
		return nil
	}
	first, err := p.d.store.Spec(id, 0)
	if err != nil {
		return err
	}
	if rejected(run) || !first.NoBundle && run.SelectedID != "" {
		if _, err := p.make(ctx, run, nil); err != nil {
			return err
		}
	}
	return settled()
}

// make makes the bundle of an ended run, or takes away that of a rejected one, and
// tells it in the run's log.
func (p *packer) make(ctx context.Context, run apprentice.Run, tweak func(*bundle.Options)) (m bundle.Manifest, err error) {
	p.one.Lock()
	defer p.one.Unlock()
	if run, err = p.d.store.Run(run.RunID); err != nil { // it may have been deleted meanwhile
		return m, err
	}
	if rejected(run) {
		return m, p.remove(ctx, run.RunID)
	}
	specs, err := p.d.specs(run)
	if err != nil {
		return m, err
	}
	env := p.d.env(run, specs[len(specs)-1])
	started := loop.OfPass(run, apprentice.Event{EventType: apprentice.BundleStarted, Phase: apprentice.PhaseBundle, Message: "Contribution bundle started"})
	if _, err = p.d.store.Change(ctx, run.RunID, stillEnded, apprentice.Change{Events: []apprentice.Event{started}, Phase: run.Phase}); err != nil {
		return m, err
	}
	m, err = loop.Bundle(ctx, env, run, specs, tweak)
	if ctx.Err() != nil {
		return m, err
	}
	return m, p.tell(context.WithoutCancel(ctx), env, run.RunID, m, err)
}

// rejected reports whether a person rejected the result: its experience does not leave.
func rejected(run apprentice.Run) bool { return run.StopReason == apprentice.StopRejected }

// remove takes the bundle of a rejected run away.
func (p *packer) remove(ctx context.Context, id apprentice.RunID) error {
	if err := os.RemoveAll(p.d.home.Run(id).Bundle()); err != nil {
		return fmt.Errorf("remove the bundle of a rejected run: %w", err)
	}
	_, err := p.d.store.Change(ctx, id, nil, apprentice.Change{Update: func(r *apprentice.Run) { r.BundledAt = "" }})
	return err
}

// tell says in the run's log what became of its bundle, as the run stands by now: it
// may have been finished, and rejected, while the bundle was being made.
func (p *packer) tell(ctx context.Context, env loop.Env, id apprentice.RunID, m bundle.Manifest, fault error) error {
	for {
		run, err := p.d.store.Run(id)
		if err != nil {
			return errors.Join(fault, err)
		}
		if rejected(run) {
			return p.remove(ctx, id)
		}
		_, err = p.d.store.Change(ctx, id, unchanged(run), loop.Bundled(env, run, m, fault))
		if !errors.Is(err, errChanged) {
			return errors.Join(fault, err)
		}
	}
}

// unchanged refuses a write when the run's log has gone on since it was seen.
func unchanged(seen apprentice.Run) func(apprentice.Run) error {
	return func(now apprentice.Run) error {
		if now.EventCount != seen.EventCount {
			return errChanged
		}
		return nil
	}
}

func stillEnded(r apprentice.Run) error {
	if r.Live() {
		return apprentice.Errorf(apprentice.Conflict, "run %s is %s", r.RunID, r.QueueState).
			WithHint("its bundle is made when it ends; aa wait %s", r.RunID)
	}
	return nil
}

// specs are those of all passes of a run.
func (d *Daemon) specs(run apprentice.Run) ([]apprentice.Spec, error) {
	var all []apprentice.Spec
	for pass := range run.Pass + 1 {
		s, err := d.store.Spec(run.RunID, pass)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// env is what the loop needs to work a pass of a run.
func (d *Daemon) env(run apprentice.Run, spec apprentice.Spec) loop.Env {
	return loop.Env{Home: d.home, Shim: d.cfg.Shim, Now: time.Now, Log: d.log.With("run_id", run.RunID), Environ: d.environ(spec.Settings), Probes: d.probes,
		Variable: d.variable, Spent: d.store.Spent,
		Packing: loop.Packing{Options: func(s apprentice.Settings) (bundle.Options, error) { return d.bundleOptions(s, run) }, Tell: d.mirror.flush, Version: d.cfg.Version}}
}

// bundleOptions say what must not leave in what is made of runs with these settings:
// secrets that aad holds always, who and where we are unless masking is off. Of a run
// that was imported that is also who and where it was made.
func (d *Daemon) bundleOptions(s apprentice.Settings, runs ...apprentice.Run) (bundle.Options, error) {
	now := d.settings.inForce()
	o := bundle.Options{License: now.License, Consent: now.Consent, Limit: int64(now.BundleLimit) << 20, Key: now.BundleKey, Labels: map[string]string{}}
	private := s.Masking != "no_masking"
	homes := spellings(string(d.home))
	own := len(homes)
	for _, r := range runs {
		if r.Imported != nil && r.Imported.Home != "" && private && !slices.Contains(homes, r.Imported.Home) {
			homes = append(homes, r.Imported.Home)
		}
	}
	for _, home := range homes {
		o.Labels[home] = "aa-home"
	}
	var err error
	if o.Scanner, err = d.scanners.of(private); err == nil && len(homes) > own {
		o.Scanner, err = d.scanners.alsoOf(homes[own:])
	}
	return o, err
}

// alsoOf is a scanner that looks for the homes of other aads too, and for the users
// whose they were. The secrets have been read.
func (s *scanners) alsoOf(homes []string) (*sanitise.Scanner, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.options(true)
	o.Places = append(o.Places, homes...)
	for _, home := range homes {
		if parts := strings.Split(home, "/"); len(parts) > 3 && (parts[1] == "home" || parts[1] == "Users") {
			o.Users = append(o.Users, parts[2])
		}
	}
	return sanitise.New(o)
}

// scanners keeps the scanners of what must not leave, since to make one takes longer
// than to use it on a short text. Secrets are looked up each time.
type scanners struct {
	home    string
	secrets *secrets

	mu   sync.Mutex
	held []string
	made map[bool]*sanitise.Scanner // by whether private details are looked for too
}

func (s *scanners) of(private bool) (*sanitise.Scanner, error) {
	pairs, err := s.secrets.read()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(pairs, s.held) || s.made == nil {
		s.held, s.made = slices.Clone(pairs), map[bool]*sanitise.Scanner{}
	}
	if s.made[private] == nil {
		if s.made[private], err = sanitise.New(s.options(private)); err != nil {
			return nil, err
		}
	}
	return s.made[private], nil
}

// options say what must not leave: secrets that aad holds always; who and where we
// are, unless masking is off.
func (s *scanners) options(private bool) sanitise.Options {
	o := sanitise.Options{Private: private}
	for _, pair := range s.held {
		_, value, _ := strings.Cut(pair, "=")
		o.Held = append(o.Held, value)
	}
	if !private {
		return o
	}
	o.Places = spellings(s.home)
	if home, err := os.UserHomeDir(); err == nil {
		o.Homes = spellings(home)
	}
	if me, err := user.Current(); err == nil {
		o.Users = append(o.Users, me.Username, me.Name)
	}
	if host, err := os.Hostname(); err == nil {
		short, _, _ := strings.Cut(host, ".")
		o.Hosts = slices.Compact([]string{host, short})
	}
	return o
}

// spellings are a folder as it is called and as it is with links followed.
func spellings(dir string) []string {
	list := []string{dir}
	if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir {
		list = append(list, real)
	}
	return list
}

// sayable is the beginning of an instruction without what must not leave: ids are made
// of it, and ids are everywhere.
func (d *Daemon) sayable(instruction string) string {
	text := []byte(instruction[:min(len(instruction), 4096)])
	scanner, err := d.scanners.of(true)
	if err != nil {
		d.log.Error("name a run", "error", err)
		return ""
	}
	return string(sanitise.NewBook(nil).Mask(text, scanner.Scan(text)))
}
