package daemon

import (
	"context"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/rpc"
	"aad/workspace"
)

// fromBase is what a client says for the state before the first attempt.
const fromBase = "base"

// runDiff tells what changed in the artifacts between two attempts, and where the run
// has a repository, what changed in that: since before the first attempt, unless the
// client names another.
func (d *Daemon) runDiff(ctx context.Context, _ *rpc.Peer, p rpc.RunDiffParams) (rpc.RunDiffResult, error) {
	run, err := d.resolve(p.RunID)
	if err != nil {
		return rpc.RunDiffResult{}, err
	}
	to, err := d.findAttempt(run.RunID, p.To, true)
	if err != nil {
		return rpc.RunDiffResult{}, err
	}
	from := apprentice.Attempt{AttemptID: fromBase}
	switch {
	case p.From == fromBase, p.From == "" && to.Repository != nil:
	case p.From != "":
		from, err = d.findAttempt(run.RunID, p.From, true)
	default:
		from, err = d.attemptBefore(run.RunID, to)
	}
	if err != nil {
		return rpc.RunDiffResult{}, err
	}
	out := rpc.RunDiffResult{From: from.AttemptID, To: to.AttemptID, Files: []rpc.FileDiff{}}
	if to.Repository == nil {
		err = d.diffArtifacts(run.RunID, from, to, p.Path, "", &out)
		return out, err
	}
	inRepo, inArtifacts := p.Path, ""
	if below, ok := strings.CutPrefix(p.Path, "artifacts/"); ok {
		inRepo, inArtifacts = "", below
	}
	if inArtifacts == "" {
		if err := d.diffRepository(ctx, run, from, to, inRepo, &out); err != nil {
			return out, err
		}
	}
	if inRepo == "" {
		err = d.diffArtifacts(run.RunID, from, to, inArtifacts, "artifacts/", &out)
	}
	return out, err
}

// diffArtifacts adds how the artifacts of two attempts differ. What an attempt did to
// the repository is told by diffRepository and not by its patch.
func (d *Daemon) diffArtifacts(id apprentice.RunID, from, to apprentice.Attempt, path, prefix string, out *rpc.RunDiffResult) error {
	folder := string(d.home.Run(id))
	at := func(a apprentice.Attempt) string {
		if a.Folder == "" {
			return filepath.Join(folder, "no-attempt")
		}
		return filepath.Join(folder, filepath.FromSlash(a.Folder), "artifacts")
	}
	files, err := workspace.Diff(at(from), at(to), path)
	for _, f := range files {
		if to.Repository != nil && "artifacts/"+f.Path == workspace.PatchName {
			continue
		}
		out.Files = append(out.Files, rpc.FileDiff{Path: prefix + f.Path, Change: f.Change, Text: f.Text, Cut: f.Cut, Before: f.Before, After: f.After})
	}
	return err
}

// diffRepository adds how the user's repository differs between two attempts.
func (d *Daemon) diffRepository(ctx context.Context, run apprentice.Run, from, to apprentice.Attempt, path string, out *rpc.RunDiffResult) error {
	spec, err := d.store.Spec(run.RunID, to.Pass)
	if err != nil {
		return err
	}
	commit := spec.Repository.Base
	if from.Repository != nil {
		commit = from.Repository.Commit
	}
	g, err := d.git(spec.Path)
	if err != nil {
		return err
	}
	repo := g.At(spec.Repository.GitDir)
	if err := repo.Gone(spec.Repository.Path); err != nil {
		return err
	}
	for _, c := range []string{commit, to.Repository.Commit} {
		if !repo.Has(ctx, c) {
			return apprentice.Errorf(apprentice.Unmet, "repository %s no longer has the commit %s of the run", spec.Repository.Path, c).
				WithHint("the whole change is in %s", d.home.Run(run.RunID).Package(to.TaskID).Attempt(to.Kind).Patch())
		}
	}
	files, err := repo.Diff(ctx, commit, to.Repository.Commit, path)
	if err == nil && path != "" && len(files) == 0 {
		return apprentice.Errorf(apprentice.NotFound, "%q did not change", path).WithField("path").WithHint("aa diff %s --names", run.RunID)
	}
	words := map[byte]string{'A': "added", 'D': "removed"}
	for _, f := range files {
		change, ok := words[f.Status]
		if !ok {
			change = "modified"
		}
		out.Files = append(out.Files, rpc.FileDiff{Path: f.Path, Change: change, Text: f.Text, Cut: f.Cut, Before: f.Before, After: f.After})
	}
	return err
}

func (d *Daemon) attemptBefore(id apprentice.RunID, to apprentice.Attempt) (apprentice.Attempt, error) {
	all, err := d.allAttempts(id)
	if err != nil {
		return apprentice.Attempt{}, err
	}
	for i, a := range all {
		if a.AttemptID == to.AttemptID && i > 0 {
			return all[i-1], nil
		}
	}
	return apprentice.Attempt{}, apprentice.Errorf(apprentice.Unmet, "attempt %s is the first: there is none to compare it with", to.AttemptID).
		WithHint("aa show %s lists the attempts", id)
}
