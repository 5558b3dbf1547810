package client

import (
	"context"

	"aad/rpc"
)

// RunImport checks a run folder that was made elsewhere and takes it in; of a folder of
// several, the one after p.After.
func (c *Client) RunImport(ctx context.Context, p rpc.RunImportParams) (rpc.RunImportResult, error) {
	return call(ctx, c, rpc.RunImport, p)
}
