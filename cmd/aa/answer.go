package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

// approving and rejecting are the decisions that aa approve and aa reject stand
// for; a question offers one of each at most.
var (
	approving = []string{"confirmed", "passed", "finish", "allow_once"}
	rejecting = []string{"rejected", "failed", "deny"}
)

func approveCommand(a *app) *cobra.Command {
	return a.plainAnswer(&cobra.Command{
		Use:   "approve RUN",
		Short: "Answer a waiting run with yes",
		Long: `Answer a run's question with yes: the task, its rubric and the end are confirmed,
an attempt is passed, and a run that asks whether to revise finishes without another
attempt.`,
		Example: `  aa approve @last
  aa approve @last --stage rubric --notes "weights are fine"`,
	}, approving, "notes on the decision, kept with it")
}

func rejectCommand(a *app) *cobra.Command {
	return a.plainAnswer(&cobra.Command{
		Use:   "reject RUN",
		Short: "Answer a waiting run with no",
		Long: `Answer a run's question with no: a rejected task or rubric ends the run, an attempt
is failed, and a result that is rejected at the end gets no bundle. Notes on a failed
attempt are its feedback. To have it revised at once: aa revise.`,
		Example: `  aa reject @last --notes "wrong data set"
  aa reject @last --stage evaluation`,
	}, rejecting, "why; of an attempt the feedback")
}

// plainAnswer makes a command that decides a question in one word.
func (a *app) plainAnswer(cmd *cobra.Command, decisions []string, aboutNotes string) *cobra.Command {
	var stage, notes string
	verb := cmd.Name()
	cmd.Args = takes(1, 1)
	cmd.ValidArgsFunction = a.completeRuns(apprentice.Waiting)
	cmd.RunE = a.connectedRun(func(ctx context.Context, c *client.Client, run string, _ []string) error {
		q, err := a.questionFor(ctx, c, run, stage, answerValues(stage, verb, notes))
		if err != nil {
			return err
		}
		decision, ok := oneOf(q.Decisions, decisions)
		if !ok {
			return apprentice.Errorf(apprentice.Invalid, "run %s waits for %s, which aa %s cannot answer: decide %s", q.RunID, q.Stage,
				verb, strings.Join(q.Decisions, " or ")).WithHint(`aa answer %s %s --json '{"decision": %q}'`, q.RunID, q.Stage, q.Decisions[0])
		}
		return a.tell(a.answer(ctx, c, q, answerValues(q.Stage, decision, notes), "cli"))
	})
	cmd.Flags().StringVar(&stage, "stage", "", "only if this `stage` is what the run waits for")
	cmd.Flags().StringVar(&notes, "notes", "", aboutNotes)
	a.completeStages(cmd)
	return cmd
}

// answerValues is an answer of a decision and a remark: on an attempt that fails
// the remark is what the apprentice is told.
func answerValues(stage, decision, remark string) map[string]any {
	values := map[string]any{"decision": decision}
	switch {
	case remark == "":
	case stage == "evaluation" && decision == "failed":
		values["feedback"] = remark
	default:
		values["notes"] = remark
	}
	return values
}

func oneOf(offered, wanted []string) (string, bool) {
	for _, d := range offered {
		if slices.Contains(wanted, d) {
			return d, true
		}
	}
	return "", false
}

func answerCommand(a *app) *cobra.Command {
	var text string
	cmd := &cobra.Command{
		Use:   "answer RUN STAGE --json JSON",
		Short: "Answer a waiting run with all its fields, as JSON",
		Long: `Answer a run's question with a decision and the stage's other fields, as the
question's file has them. --json - reads them from stdin. docs/checkpoints.md lists
stages, decisions and fields.`,
		Example: `  aa answer @last evaluation --json '{"decision": "failed", "score": 0.4, "feedback": "the totals are wrong"}'
  aa answer @last rubric --json '{"decision": "edited", "additional_criteria": ["names its sources"]}'
  jq '.decision = "confirmed"' answer.json | aa answer @last task_intake --json -`,
		Args: takes(2, 2),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return stages, cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeRuns(apprentice.Waiting)(cmd, args, typed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := a.answerObject(text)
			if err != nil {
				return err
			}
			return a.connectedRun(func(ctx context.Context, c *client.Client, run string, rest []string) error {
				q, err := a.questionFor(ctx, c, run, rest[0], values)
				if err != nil {
					return err
				}
				return a.tell(a.answer(ctx, c, q, values, "cli"))
			})(cmd, args)
		},
	}
	// It hides the --json of every other command: the answer is the JSON here.
	cmd.Flags().StringVar(&text, "json", "", "the answer as a `JSON` object, or - for stdin")
	return cmd
}

// answerObject reads the JSON object of an answer.
func (a *app) answerObject(text string) (json.RawMessage, error) {
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(a.in, maxInstruction))
		if err != nil {
			return nil, fmt.Errorf("read the answer from stdin: %w", err)
		}
		text = string(data)
	}
	var object map[string]json.RawMessage
	switch err := json.Unmarshal([]byte(text), &object); {
	case strings.TrimSpace(text) == "":
		return nil, apprentice.Errorf(apprentice.Invalid, "there is no answer").WithHint(`--json '{"decision": "confirmed"}'`)
	case err != nil || object == nil:
		why := "it is no object"
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			why = fmt.Sprintf("%v, at byte %d", err, syntax.Offset)
		}
		return nil, apprentice.Errorf(apprentice.Invalid, "the answer is no JSON object: %s", why).
			WithHint(`--json '{"decision": "confirmed"}'`)
	}
	return json.RawMessage(text), nil
}

// stages are what runs ask people for, for completion; aad knows best.
var stages = []string{"task_intake", "rubric", "evaluation", "revision", "final_approval"}

func (a *app) completeStages(cmd *cobra.Command) {
	// The only error is a flag that is not there or has one already.
	if err := cmd.RegisterFlagCompletionFunc("stage", cobra.FixedCompletions(stages, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}

// stageName is a stage as people may type it, in its one spelling.
func stageName(typed string) string { return strings.ReplaceAll(strings.ToLower(typed), "-", "_") }

// question is the open question of a run; with a stage only that one.
func (a *app) question(ctx context.Context, c *client.Client, run, stage string) (rpc.CheckpointInfo, error) {
	got, err := c.CheckpointGet(ctx, run, stageName(stage))
	return got.Info, err
}

// questionFor is the question that values are to answer. Where it is not open they are
// handed in all the same: aad keeps them, and tells who answered first.
func (a *app) questionFor(ctx context.Context, c *client.Client, run, stage string, values any) (rpc.CheckpointInfo, error) {
	q, err := a.question(ctx, c, run, stage)
	if apprentice.KindOf(err) != apprentice.Conflict {
		return q, err
	}
	_, late := a.answer(ctx, c, rpc.CheckpointInfo{RunID: apprentice.RunID(run), Stage: stageName(stage), Revision: rpc.NotOpen}, values, "cli")
	return q, cmp.Or(late, err)
}

// answer answers the question that was seen, and none that was asked since.
func (a *app) answer(ctx context.Context, c *client.Client, q rpc.CheckpointInfo, values any, way string) (rpc.CheckpointResolveResult, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return rpc.CheckpointResolveResult{}, fmt.Errorf("write the answer as JSON: %w", err)
	}
	return c.CheckpointResolve(ctx, rpc.CheckpointResolveParams{RunID: string(q.RunID), Stage: q.Stage, Revision: q.Revision, Values: data, Way: way})
}

// tell says what an answer did.
func (a *app) tell(done rpc.CheckpointResolveResult, err error) error {
	if err != nil {
		return err
	}
	return a.show(done, func() error {
		if a.quiet {
			return a.print("%s", done.Run.RunID)
		}
		return a.print("%s", cleanLine(understood(done)))
	})
}

// understood is an answer in a sentence, and what it leads to.
func understood(done rpc.CheckpointResolveResult) string {
	line := fmt.Sprintf("%s of run %s: %s", done.Stage, done.Run.RunID, done.Decision)
	if done.Edited && done.Decision == "confirmed" {
		line += ", with changes"
	}
	if done.Decision == "held" {
		return line + "; it goes on waiting, and asks again"
	}
	return line
}
