package client

import (
	"context"

	"aad/rpc"
)

// ReleaseCreate gathers ended runs into a dataset.
func (c *Client) ReleaseCreate(ctx context.Context, p rpc.ReleaseCreateParams) (rpc.ReleaseInfo, error) {
	return call(ctx, c, rpc.ReleaseCreate, p)
}

// ReleaseProgress tells how far the making or checking of a release is.
func (c *Client) ReleaseProgress(ctx context.Context, path string) (rpc.ReleaseProgressResult, error) {
	return call(ctx, c, rpc.ReleaseProgressOf, rpc.ReleaseParams{Path: path})
}

// ReleaseValidate checks a release.
func (c *Client) ReleaseValidate(ctx context.Context, path string) (rpc.ReleaseValidateResult, error) {
	return call(ctx, c, rpc.ReleaseValidate, rpc.ReleaseParams{Path: path})
}

// ReleaseInspect returns a release on a page.
func (c *Client) ReleaseInspect(ctx context.Context, path string) (rpc.ReleaseInspectResult, error) {
	return call(ctx, c, rpc.ReleaseInspect, rpc.ReleaseParams{Path: path})
}

// ReleaseSummary returns several releases in figures.
func (c *Client) ReleaseSummary(ctx context.Context, paths []string) (rpc.ReleaseSummaryResult, error) {
	return call(ctx, c, rpc.ReleaseSummary, rpc.ReleaseSummaryParams{Paths: paths})
}
