package main

import (
	"context"
	"encoding/json"
	"path"
	"path/filepath"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type mcpSubmit struct {
	Instruction string            `json:"instruction" jsonschema:"the task in words, complete: the apprentice sees nothing else"`
	Assets      []string          `json:"assets,omitempty" jsonschema:"paths of files and folders to hand to the apprentice"`
	Rubric      string            `json:"rubric,omitempty" jsonschema:"criteria with weights and checks, as YAML or JSON"`
	Agent       string            `json:"agent,omitempty" jsonschema:"who attempts it, where not the one of the settings"`
	MentorMode  string            `json:"mentor_mode,omitempty" jsonschema:"checks, model_assisted, expert_led or hybrid"`
	MaxLoops    int               `json:"max_improvement_loops,omitempty" jsonschema:"attempts at most"`
	Labels      map[string]string `json:"labels,omitempty"`
	Wait        bool              `json:"wait,omitempty" jsonschema:"return only when the run has ended or waits for a person"`
}

type mcpRun struct {
	RunID string `json:"run_id" jsonschema:"id, unique beginning of it, or @last"`
}

type mcpList struct {
	States []string `json:"states,omitempty" jsonschema:"queued, deferred, running, waiting, completed, partial, failed or cancelled"`
	Group  string   `json:"group,omitempty"`
	Text   string   `json:"text,omitempty" jsonschema:"part of the id or title"`
	Cursor string   `json:"cursor,omitempty" jsonschema:"next of the page before"`
	Limit  int      `json:"limit,omitempty" jsonschema:"runs a page; 20"`
}

type mcpEvents struct {
	RunID string `json:"run_id"`
	After uint64 `json:"after,omitempty" jsonschema:"event_index to read on from"`
}

type mcpArtifact struct {
	RunID  string `json:"run_id"`
	Path   string `json:"path,omitempty" jsonschema:"within artifacts; empty lists them"`
	Offset int64  `json:"offset,omitempty" jsonschema:"byte to read on from: next_offset of the piece before"`
}

type mcpContinue struct {
	RunID       string   `json:"run_id"`
	Instruction string   `json:"instruction" jsonschema:"what else is wanted of the ended run"`
	Assets      []string `json:"assets,omitempty"`
	Wait        bool     `json:"wait,omitempty" jsonschema:"return only when the run has ended again or waits for a person"`
}

// reads is for tools that change nothing.
var reads = &mcp.ToolAnnotations{ReadOnlyHint: true}

func (m *mcpServer) addRunTools(s *mcp.Server) {
	tool(m, s, &mcp.Tool{Name: "submit_task", Description: "Queue a task for the apprentice; its result is reviewed and revised"}, m.submit)
	tool(m, s, &mcp.Tool{Name: "continue_run", Description: "Ask an ended run for more; it starts from what it delivered"}, m.continueRun)
	tool(m, s, &mcp.Tool{Name: "list_runs", Description: "Runs, newest first", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in mcpList) (any, error) {
			return c.RunList(ctx, rpc.RunListParams{States: in.States, Group: in.Group, Text: in.Text, Cursor: in.Cursor, Limit: in.Limit})
		})
	tool(m, s, &mcp.Tool{Name: "run_status", Description: "One run with its attempts, scores and feedback", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in mcpRun) (any, error) {
			return c.RunGet(ctx, in.RunID)
		})
	tool(m, s, &mcp.Tool{Name: "run_events", Description: "What happened in a run, a page at a time", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in mcpEvents) (any, error) {
			return c.RunEvents(ctx, rpc.RunEventsParams{RunID: in.RunID, After: in.After})
		})
	tool(m, s, &mcp.Tool{Name: "read_artifact", Description: "List what a run has delivered, or read a piece of it", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in mcpArtifact) (any, error) {
			inside := path.Join("artifacts", path.Clean("/"+in.Path)) // aad refuses what leads out of the run
			return c.RunFile(ctx, rpc.RunFileParams{RunID: in.RunID, Path: inside, Offset: in.Offset})
		})
}

func (m *mcpServer) submit(ctx context.Context, c *client.Client, r *mcp.CallToolRequest, in mcpSubmit) (any, error) {
	p := rpc.RunSubmitParams{Instruction: in.Instruction, Rubric: in.Rubric, Labels: in.Labels, Settings: rpc.RunSettings{}}
	var err error
	if p.Assets, err = absolutePaths(in.Assets); err != nil {
		return nil, err
	}
	for key, value := range map[string]string{"agent": in.Agent, "mentor_mode": in.MentorMode} {
		if value != "" {
			p.Settings[key] = value
		}
	}
	if in.MaxLoops != 0 {
		p.Settings["max_improvement_loops"] = in.MaxLoops
	}
	queued, err := c.RunSubmit(ctx, p)
	if err != nil || !in.Wait {
		return queued, err
	}
	return m.waitTelling(ctx, c, r, queued.Run.RunID, 0)
}

func (m *mcpServer) continueRun(ctx context.Context, c *client.Client, r *mcp.CallToolRequest, in mcpContinue) (any, error) {
	assets, err := absolutePaths(in.Assets)
	if err != nil {
		return nil, err
	}
	run, err := c.RunContinue(ctx, rpc.RunContinueParams{RunID: in.RunID, Instruction: in.Instruction, Assets: assets})
	if err != nil || !in.Wait {
		return run, err
	}
	return m.waitTelling(ctx, c, r, run.RunID, run.EventCount)
}

func absolutePaths(paths []string) ([]string, error) {
	var list []string
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, apprentice.Errorf(apprentice.Invalid, "the asset %s has no absolute path", p).Because(err)
		}
		list = append(list, abs)
	}
	return list, nil
}

type mcpCheckpoints struct {
	RunID string `json:"run_id,omitempty" jsonschema:"only this run's"`
}

type mcpAnswer struct {
	RunID    string         `json:"run_id"`
	Stage    string         `json:"stage" jsonschema:"of the question that was seen"`
	Revision int            `json:"revision" jsonschema:"of the question that was seen"`
	Decision string         `json:"decision" jsonschema:"one of the decisions that the question offers"`
	Fields   map[string]any `json:"fields,omitempty" jsonschema:"other fields of the question that a person may set, such as notes or feedback"`
}

func (m *mcpServer) addCheckpointTools(s *mcp.Server) {
	tool(m, s, &mcp.Tool{Name: "list_checkpoints", Description: "The questions that wait for a person, oldest first", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in mcpCheckpoints) (any, error) {
			return c.CheckpointList(ctx, rpc.CheckpointListParams{RunID: in.RunID})
		})
	if !m.answers {
		return
	}
	tool(m, s, &mcp.Tool{Name: "answer_checkpoint", Description: "Give a person's answer to a question. Only what the person has said in so many words"},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in mcpAnswer) (any, error) {
			values := map[string]any{}
			for key, value := range in.Fields {
				values[key] = value
			}
			values["decision"] = in.Decision
			raw, err := json.Marshal(values)
			if err != nil {
				return nil, err
			}
			return c.CheckpointResolve(ctx, rpc.CheckpointResolveParams{RunID: in.RunID, Stage: in.Stage, Revision: in.Revision, Values: raw})
		})
}
