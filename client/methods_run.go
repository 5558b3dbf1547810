package client

import (
	"context"

	"aad/apprentice"
	"aad/rpc"
)

func call[P, R any](ctx context.Context, c *Client, m rpc.Method[P, R], params P) (R, error) {
	conn := c.conn.Load()
	out, err := rpc.Call(ctx, conn, m, params)
	if err == nil || conn.Err() == nil || !asksOnly[m.Name] || c.mend(ctx, conn) != nil {
		return out, err
	}
	return rpc.Call(ctx, c.conn.Load(), m, params)
}

// asksOnly are methods that may be called again when a daemon that restarts has cut
// the answer off: they alter nothing.
var asksOnly = map[string]bool{
	rpc.Ping.Name: true, rpc.DaemonStatusOf.Name: true, rpc.RunGet.Name: true, rpc.RunList.Name: true, rpc.RunEvents.Name: true,
	rpc.QueueGet.Name: true, rpc.SettingsGet.Name: true, rpc.CheckpointList.Name: true, rpc.CheckpointGet.Name: true,
}

// RunSubmit queues a task. When it returns without error the run is on disk.
func (c *Client) RunSubmit(ctx context.Context, p rpc.RunSubmitParams) (rpc.SubmitResult, error) {
	return call(ctx, c, rpc.RunSubmit, p)
}

// RunGet returns one run with its attempts, scores and feedback.
func (c *Client) RunGet(ctx context.Context, run string) (rpc.RunDetail, error) {
	return call(ctx, c, rpc.RunGet, rpc.RunParams{RunID: run})
}

// RunList returns a page of runs, newest first.
func (c *Client) RunList(ctx context.Context, p rpc.RunListParams) (rpc.RunListResult, error) {
	return call(ctx, c, rpc.RunList, p)
}

// RunEvents returns a page of one run's events after a number.
func (c *Client) RunEvents(ctx context.Context, p rpc.RunEventsParams) (rpc.RunEventsResult, error) {
	return call(ctx, c, rpc.RunEvents, p)
}

// RunCancel asks for the end of a run; it may still be running when it returns.
func (c *Client) RunCancel(ctx context.Context, run string) (apprentice.Run, error) {
	return call(ctx, c, rpc.RunCancel, rpc.RunParams{RunID: run})
}

// RunRetry works an ended run again.
func (c *Client) RunRetry(ctx context.Context, run string) (apprentice.Run, error) {
	return call(ctx, c, rpc.RunRetry, rpc.RunParams{RunID: run})
}

// RunHold keeps a queued run from starting.
func (c *Client) RunHold(ctx context.Context, run string) (apprentice.Run, error) {
	return call(ctx, c, rpc.RunHold, rpc.RunParams{RunID: run})
}

// RunRelease lets a held or deferred run start.
func (c *Client) RunRelease(ctx context.Context, run string) (apprentice.Run, error) {
	return call(ctx, c, rpc.RunRelease, rpc.RunParams{RunID: run})
}

// RunReprioritize changes a run's place in the queue.
func (c *Client) RunReprioritize(ctx context.Context, run string, priority int) (apprentice.Run, error) {
	return call(ctx, c, rpc.RunReprioritize, rpc.RunPriorityParams{RunID: run, Priority: priority})
}

// RunContinue adds a follow-up to an ended run.
func (c *Client) RunContinue(ctx context.Context, p rpc.RunContinueParams) (apprentice.Run, error) {
	return call(ctx, c, rpc.RunContinue, p)
}

// RunFinish finishes the session of an ended run.
func (c *Client) RunFinish(ctx context.Context, run string) (apprentice.Run, error) {
	return call(ctx, c, rpc.RunFinish, rpc.RunParams{RunID: run})
}

// RunDelete deletes an ended run with its folder.
func (c *Client) RunDelete(ctx context.Context, p rpc.RunDeleteParams) error {
	_, err := call(ctx, c, rpc.RunDelete, p)
	return err
}

// RunRegrade has the attempts of an ended run reviewed again.
func (c *Client) RunRegrade(ctx context.Context, p rpc.RunRegradeParams) (apprentice.Run, error) {
	return call(ctx, c, rpc.RunRegrade, p)
}

// RunFile lists a folder or reads a piece of a file of a run.
func (c *Client) RunFile(ctx context.Context, p rpc.RunFileParams) (rpc.RunFileResult, error) {
	return call(ctx, c, rpc.RunFile, p)
}

// RunDiff returns what changed in the artifacts between two attempts.
func (c *Client) RunDiff(ctx context.Context, p rpc.RunDiffParams) (rpc.RunDiffResult, error) {
	return call(ctx, c, rpc.RunDiff, p)
}
