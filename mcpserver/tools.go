package mcpserver

import (
	"context"
	"encoding/json"
	"path"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type submitIn struct {
	Instruction string            `json:"instruction" doc:"the task in words, complete: the apprentice sees nothing else"`
	Assets      []string          `json:"assets,omitempty" doc:"paths of files and folders to hand to the apprentice"`
	Rubric      string            `json:"rubric,omitempty" doc:"criteria with weights and checks, as YAML or JSON, such as {\"version\": 1, \"criteria\": [{\"name\": \"the total is told\", \"check\": {\"command\": {\"run\": \"grep -q Total artifacts/report.md\"}}}]}"`
	Agent       string            `json:"agent,omitempty" doc:"who attempts it, where not the one of the settings"`
	MentorMode  string            `json:"mentor_mode,omitempty" enum:"checks|model_assisted|expert_led|hybrid" doc:"who reviews, where not as the settings say"`
	MaxLoops    int               `json:"max_improvement_loops,omitempty" min:"1" doc:"attempts at most"`
	Labels      map[string]string `json:"labels,omitempty" doc:"to find the run by"`
	Wait        bool              `json:"wait,omitempty" doc:"return only when the run has ended or waits for a person"`
}

type runIn struct {
	RunID string `json:"run_id" doc:"id, unique beginning of it, or @last"`
}

type listIn struct {
	States []string `json:"states,omitempty" enum:"queued|deferred|running|waiting|completed|partial|failed|cancelled" doc:"those in any of them"`
	Group  string   `json:"group,omitempty" doc:"of the queue; default where none was named"`
	Text   string   `json:"text,omitempty" doc:"part of the id or title"`
	Cursor string   `json:"cursor,omitempty" doc:"next of the page before"`
	Limit  int      `json:"limit,omitempty" min:"1" doc:"runs a page, at most 200; 20"`
}

type eventsIn struct {
	RunID string `json:"run_id" doc:"id, unique beginning of it, or @last"`
	After uint64 `json:"after,omitempty" doc:"event_index to read on from"`
}

type artifactIn struct {
	RunID  string `json:"run_id" doc:"id, unique beginning of it, or @last"`
	Path   string `json:"path,omitempty" doc:"within artifacts; empty lists them"`
	Offset int64  `json:"offset,omitempty" min:"0" doc:"byte to read on from: next_offset of the piece before"`
}

type continueIn struct {
	RunID       string   `json:"run_id" doc:"id, unique beginning of it, or @last"`
	Instruction string   `json:"instruction" doc:"what else is wanted of the ended run"`
	Assets      []string `json:"assets,omitempty" doc:"paths of further files and folders"`
	Wait        bool     `json:"wait,omitempty" doc:"return only when the run has ended again or waits for a person"`
}

// row is a run as a list tells it: run_status has the rest.
type row struct {
	RunID     apprentice.RunID      `json:"run_id"`
	Title     string                `json:"title"`
	State     apprentice.QueueState `json:"queue_state"`
	Verdict   apprentice.Verdict    `json:"verdict,omitempty"`
	Score     *float64              `json:"final_score,omitempty"`
	Message   string                `json:"latest_message"`
	Agent     string                `json:"apprentice_agent"`
	CreatedAt string                `json:"created_at"`
	UpdatedAt string                `json:"updated_at"`
}

// page is a page of runs.
type page struct {
	Runs []row  `json:"runs"`
	Next string `json:"next,omitempty"`
}

func rowsOf(list rpc.RunListResult) page {
	out := page{Runs: []row{}, Next: list.Next}
	for _, r := range list.Runs {
		out.Runs = append(out.Runs, row{r.RunID, r.Title, r.QueueState, r.Verdict, r.FinalScore, r.Message, r.Agent, r.CreatedAt, r.UpdatedAt})
	}
	return out
}

// reads is for tools that change nothing.
var reads = &mcp.ToolAnnotations{ReadOnlyHint: true}

func (m *server) addRunTools(s *mcp.Server) {
	tool(m, s, &mcp.Tool{Name: "submit_task", Description: "Queue a task for the apprentice; its result is reviewed and revised"}, m.submit)
	tool(m, s, &mcp.Tool{Name: "continue_run", Description: "Ask an ended run for more; it starts from what it delivered"}, m.continueRun)
	tool(m, s, &mcp.Tool{Name: "list_runs", Description: "Runs, newest first", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in listIn) (any, error) {
			list, err := c.RunList(ctx, rpc.RunListParams{States: in.States, Group: in.Group, Text: in.Text, Cursor: in.Cursor, Limit: in.Limit})
			return rowsOf(list), err
		})
	tool(m, s, &mcp.Tool{Name: "run_status", Description: "One run with its attempts, scores and feedback", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in runIn) (any, error) {
			return c.RunGet(ctx, in.RunID)
		})
	tool(m, s, &mcp.Tool{Name: "run_events", Description: "What happened in a run, a page at a time", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in eventsIn) (any, error) {
			return c.RunEvents(ctx, rpc.RunEventsParams{RunID: in.RunID, After: in.After})
		})
	tool(m, s, &mcp.Tool{Name: "read_artifact", Description: "List what a run has delivered, or read a piece of it", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in artifactIn) (any, error) {
			inside := path.Join("artifacts", path.Clean("/"+in.Path)) // aad refuses what leads out of the run
			return c.RunFile(ctx, rpc.RunFileParams{RunID: in.RunID, Path: inside, Offset: in.Offset})
		})
}

func (m *server) submit(ctx context.Context, c *client.Client, r *mcp.CallToolRequest, in submitIn) (any, error) {
	p := rpc.RunSubmitParams{Instruction: in.Instruction, Rubric: in.Rubric, Labels: in.Labels, Settings: rpc.RunSettings{}}
	var err error
	if p.Assets, err = client.AbsolutePaths("assets", in.Assets); err != nil {
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

func (m *server) continueRun(ctx context.Context, c *client.Client, r *mcp.CallToolRequest, in continueIn) (any, error) {
	assets, err := client.AbsolutePaths("assets", in.Assets)
	if err != nil {
		return nil, err
	}
	run, err := c.RunContinue(ctx, rpc.RunContinueParams{RunID: in.RunID, Instruction: in.Instruction, Assets: assets})
	if err != nil || !in.Wait {
		return run, err
	}
	return m.waitTelling(ctx, c, r, run.RunID, run.EventCount)
}

type checkpointsIn struct {
	RunID string `json:"run_id,omitempty" doc:"only this run's"`
}

type answerIn struct {
	RunID    string         `json:"run_id" doc:"id, unique beginning of it, or @last"`
	Stage    string         `json:"stage" doc:"of the question that was seen"`
	Revision int            `json:"revision" min:"1" doc:"of the question that was seen"`
	Decision string         `json:"decision" doc:"one of the decisions that the question offers"`
	Fields   map[string]any `json:"fields,omitempty" doc:"other fields of the question that a person may set, such as notes or feedback"`
}

func (m *server) addCheckpointTools(s *mcp.Server) {
	tool(m, s, &mcp.Tool{Name: "list_checkpoints", Description: "The questions that wait for a person, oldest first", Annotations: reads},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in checkpointsIn) (any, error) {
			return c.CheckpointList(ctx, rpc.CheckpointListParams{RunID: in.RunID})
		})
	if !m.Answers {
		return
	}
	tool(m, s, &mcp.Tool{Name: "answer_checkpoint", Description: "Give a person's answer to a question. Only what the person has said in so many words"},
		func(ctx context.Context, c *client.Client, _ *mcp.CallToolRequest, in answerIn) (any, error) {
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
