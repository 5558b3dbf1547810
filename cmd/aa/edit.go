package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func editCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "edit RUN [STAGE]",
		Short: "Answer a waiting run in your editor",
		Long: `Open the file of a run's question in $VISUAL or $EDITOR, wait until you leave it,
and tell what aad understood, or why it could not use the answer. Set "decision" to
one of those the file names, and save. Any other editor may open the file too: aa
checkpoints RUN tells its path.`,
		Example: `  aa edit @last
  EDITOR='code --wait' aa edit @last rubric`,
		Args: takes(1, 2),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return stages, cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeRuns(apprentice.Waiting)(cmd, args, typed)
		},
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, rest []string) error {
			e, err := a.edit(ctx, c, run, strings.Join(rest, ""))
			if err != nil {
				return err
			}
			return a.tellEdited(e)
		}),
	}
}

// edited is what came of a question that a person had in an editor.
type edited struct {
	RunID   apprentice.RunID `json:"run_id"`
	Stage   string           `json:"stage"`
	Outcome string           `json:"outcome"` // resolved, rejected, unchanged, pending or unseen
	Message string           `json:"message,omitempty"`
	Set     map[string]any   `json:"set,omitempty"` // the fields that the person set
	Path    string           `json:"path"`
	errors  string           // the file that lists what is wrong
}

// edit opens the file of the run's question, waits for the editor, and then for
// what aad makes of the file.
func (a *app) edit(ctx context.Context, c *client.Client, run, stage string) (edited, error) {
	before, err := c.RunGet(ctx, run)
	if err != nil {
		return edited{}, err
	}
	q, err := a.question(ctx, c, string(before.Run.RunID), stage)
	if err != nil {
		return edited{}, err
	}
	e := edited{RunID: q.RunID, Stage: q.Stage, Path: q.Path, errors: strings.TrimSuffix(q.Path, ".json") + ".errors.txt"}
	asked, err := os.ReadFile(q.Path)
	if err != nil {
		return e, apprentice.Errorf(apprentice.Unavailable, "the question's file cannot be read: %s: %s", q.Path, systemReason(err)).
			Because(err).WithHint("aad writes it again; or answer without it: aa review %s", q.RunID)
	}
	if err := a.openEditor(q.Path); err != nil {
		return e, err
	}
	left, saved := savedFile(q.Path)
	e.Set = fieldsSet(asked, left)
	otherwise := "unseen"
	switch {
	case bytes.Equal(asked, left) && q.Refused != "":
		otherwise, saved = "rejected", time.Time{}
	case bytes.Equal(asked, left):
		otherwise, saved = "unchanged", time.Time{}
	case isPending(left):
		otherwise, saved = "pending", time.Time{}
	}
	e.Outcome, e.Message, err = a.madeOf(ctx, c, before.Run, saved)
	if otherwise == "unseen" && apprentice.KindOf(err) == apprentice.Unavailable {
		return e, apprentice.Errorf(apprentice.Unavailable, "aad went away before it took the answer in %s", q.Path).
			Because(err).WithHint("it is taken when aad runs again: aa daemon start")
	}
	if e.Outcome == "unseen" {
		e.Outcome = otherwise
	}
	if e.Outcome == "rejected" && e.Message == "" {
		e.Message = "the answer was not changed, and still cannot be used: " + q.Refused
	}
	return e, err
}

// savedFile is what an editor left, and when. A file that is gone was taken, most
// likely, so it is looked out for from now on.
func savedFile(path string) ([]byte, time.Time) {
	data, err := os.ReadFile(path)
	info, statErr := os.Stat(path)
	if err != nil || statErr != nil {
		return nil, time.Now()
	}
	return data, info.ModTime()
}

// patience is how long aad may take to see what an editor has left behind: what it
// cannot use it refuses when the file has been stable for a while.
const patience = 20 * time.Second

// settled is how long a file must have been as it is for a refusal to be about it.
const settled = time.Second

// madeOf tells what became of the question since the run stood as given: resolved,
// rejected, or unseen. Where something is to come of the file, saved at that time,
// it waits for it; the zero time waits for nothing.
func (a *app) madeOf(ctx context.Context, c *client.Client, since apprentice.Run, saved time.Time) (outcome, message string, err error) {
	outcome = "unseen"
	take := func(e apprentice.Event) error {
		at, _ := apprentice.ParseStamp(e.CreatedAt) // the zero time is before every save
		switch {
		case e.EventType == apprentice.CheckpointResolved:
			outcome, message = "resolved", e.Message
			return errMoved
		case e.EventType == apprentice.CheckpointRejected && !saved.IsZero() && at.Sub(saved) > settled:
			outcome, message = "rejected", e.Message
			return errMoved
		}
		return nil
	}
	page, err := c.RunEvents(ctx, rpc.RunEventsParams{RunID: string(since.RunID), After: since.EventCount})
	if err != nil {
		return outcome, "", err
	}
	for _, e := range page.Events {
		if since.EventCount = e.EventIndex; take(e) != nil {
			return outcome, message, nil
		}
	}
	if saved.IsZero() {
		return outcome, "", nil
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := rpc.RunWatchParams{RunID: string(since.RunID), After: since.EventCount, UntilEnd: true}
	_, err = c.Watch(limited, p, func(n rpc.RunEventNote) error { return take(n.Event) })
	if errors.Is(err, errMoved) || (limited.Err() != nil && ctx.Err() == nil) {
		err = nil
	}
	return outcome, message, err
}

// tellEdited says what was understood; what was refused is an error.
func (a *app) tellEdited(e edited) error {
	if a.json {
		if err := a.emit(e); err != nil {
			return err
		}
	}
	switch {
	case e.Outcome == "rejected":
		return apprentice.Errorf(apprentice.Invalid, "%s", e.Message).
			WithHint("aa edit %s to mend it; %s says where it is wrong", e.RunID, e.errors)
	case e.Outcome == "unseen":
		return apprentice.Errorf(apprentice.Unavailable, "aad has not taken the answer in %s yet", e.Path).
			WithHint("aa checkpoints %s shows how it stands", e.RunID)
	case e.Outcome == "unchanged":
		a.note("nothing was changed: run %s goes on waiting for %s", e.RunID, e.Stage)
		return exitWaiting
	case e.Outcome == "pending":
		a.note("the decision is still pending: run %s goes on waiting for %s", e.RunID, e.Stage)
		return exitWaiting
	case a.json:
		return nil
	case a.quiet:
		return a.print("%s", e.RunID)
	}
	if err := a.print("%s", cleanLine(e.Message)); err != nil {
		return err
	}
	var list []string
	for _, key := range slices.Sorted(maps.Keys(e.Set)) {
		if value, err := json.Marshal(e.Set[key]); err == nil && key != "decision" {
			list = append(list, "  "+key, cut(string(value), 200))
		}
	}
	return a.pairs(list...)
}

// fieldsSet are the keys whose value differs; nil where either is no JSON object.
func fieldsSet(asked, left []byte) map[string]any {
	var was, is map[string]any
	if json.Unmarshal(asked, &was) != nil || json.Unmarshal(left, &is) != nil {
		return nil
	}
	set := map[string]any{}
	for key, value := range is {
		if old, ok := was[key]; !ok || fmt.Sprint(old) != fmt.Sprint(value) {
			set[key] = value
		}
	}
	return set
}

// isPending reports whether a question's file holds no decision yet.
func isPending(data []byte) bool {
	var file struct{ Decision string }
	return json.Unmarshal(data, &file) == nil && file.Decision == "pending"
}

// openEditor opens a file in the person's editor and waits until they leave it.
func (a *app) openEditor(path string) error {
	words := editor()
	if words == "" {
		return apprentice.Errorf(apprentice.Unmet, "there is no editor").WithHint("set EDITOR, or edit %s with one of your own", path)
	}
	cmd := exec.Command("sh", "-c", words+` "$@"`, words, path) // the variable may hold flags, as git has it
	if runtime.GOOS == "windows" {
		fields := append(strings.Fields(words), path)
		cmd = exec.Command(fields[0], fields[1:]...)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.err
	if err := cmd.Run(); err != nil {
		return apprentice.Errorf(apprentice.Unmet, "the editor %s ended with an error: %v", words, err).Because(err).
			WithHint("set EDITOR to another; what it saved counts all the same")
	}
	return nil
}

// editor is the command of the person's editor, "" when there is none.
func editor() string {
	for _, variable := range []string{"VISUAL", "EDITOR"} {
		if words := strings.TrimSpace(os.Getenv(variable)); words != "" {
			return words
		}
	}
	for _, name := range []string{"sensible-editor", "nano", "vim", "vi", "notepad"} {
		if _, err := exec.LookPath(name); err == nil {
			return name
		}
	}
	return ""
}
