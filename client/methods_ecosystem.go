package client

import (
	"context"

	"aad/rpc"
)

// EcosystemStatus tells how sharing stands; check tries the place first.
func (c *Client) EcosystemStatus(ctx context.Context, check bool) (rpc.EcosystemStatus, error) {
	if check {
		return call(ctx, c, rpc.EcosystemCheck, rpc.Empty{})
	}
	return call(ctx, c, rpc.EcosystemStatusOf, rpc.Empty{})
}

// EcosystemList returns a page of the shared bundles.
func (c *Client) EcosystemList(ctx context.Context, p rpc.EcosystemListParams) (rpc.EcosystemListResult, error) {
	return call(ctx, c, rpc.EcosystemList, p)
}

// EcosystemInspect returns a shared bundle on a page.
func (c *Client) EcosystemInspect(ctx context.Context, bundle string) (rpc.BundleInspectResult, error) {
	return call(ctx, c, rpc.EcosystemInspect, rpc.EcosystemParams{BundleID: bundle})
}

// EcosystemPull takes a shared bundle.
func (c *Client) EcosystemPull(ctx context.Context, p rpc.EcosystemPullParams) (rpc.EcosystemPullResult, error) {
	return call(ctx, c, rpc.EcosystemPull, p)
}

// EcosystemContribute shares the bundle of a run, or tells what would leave.
func (c *Client) EcosystemContribute(ctx context.Context, p rpc.EcosystemContributeParams) (rpc.EcosystemContributeResult, error) {
	return call(ctx, c, rpc.EcosystemContribute, p)
}

// EcosystemShared returns what this home has shared.
func (c *Client) EcosystemShared(ctx context.Context) (rpc.EcosystemSharedResult, error) {
	return call(ctx, c, rpc.EcosystemShared, rpc.Empty{})
}
