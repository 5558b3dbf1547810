package mcpserver

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	runsURI = "aad://runs"
	// maxResource bounds a file that is read as a resource, in bytes: clients take
	// it whole. read_artifact reads larger ones by pieces.
	maxResource = 1 << 20
)

// addResources offers the list of runs, and every file and folder of each run.
func (m *server) addResources(s *mcp.Server) {
	s.AddResource(&mcp.Resource{URI: runsURI, Name: "runs", Description: "the newest runs", MIMEType: "application/json"}, m.resource(
		func(ctx context.Context, c *client.Client, _ string) (*mcp.ResourceContents, error) {
			list, err := c.RunList(ctx, rpc.RunListParams{Limit: 50})
			if err != nil {
				return nil, err
			}
			text, err := asText(list)
			return &mcp.ResourceContents{MIMEType: "application/json", Text: text}, err
		}))
	s.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: runsURI + "/{run_id}/{+path}", Name: "a run's folder",
		Description: "a file of a run's folder, or a folder's listing; session.json, artifacts, packages/…"}, m.resource(runFile))
	s.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: runsURI + "/{run_id}", Name: "a run", MIMEType: "application/json",
		Description: "a run's folder, as a listing"}, m.resource(runFile))
}

// resource makes a handler of a body that has a connection to aad of its own.
func (m *server) resource(body func(ctx context.Context, c *client.Client, uri string) (*mcp.ResourceContents, error)) mcp.ResourceHandler {
	return func(ctx context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		c, err := m.connect(ctx)
		if err != nil {
			return nil, resourceError(err)
		}
		defer c.Close()
		contents, err := body(ctx, c, r.Params.URI)
		if apprentice.KindOf(err) == apprentice.NotFound {
			return nil, mcp.ResourceNotFoundError(r.Params.URI)
		}
		if err != nil {
			return nil, resourceError(err)
		}
		contents.URI = r.Params.URI
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{contents}}, nil
	}
}

// resourceError has a code, which a tool's refusal needs not: it is a result.
func resourceError(err error) error {
	code := int64(jsonrpc.CodeInternalError)
	if apprentice.KindOf(err) == apprentice.Invalid {
		code = jsonrpc.CodeInvalidParams
	}
	return &jsonrpc.Error{Code: code, Message: toldFully(err).Error()}
}

// runFile reads a file or lists a folder. In the URI, as in any, %20 is a space.
func runFile(ctx context.Context, c *client.Client, uri string) (*mcp.ResourceContents, error) {
	name, err := url.PathUnescape(strings.TrimPrefix(uri, runsURI+"/"))
	if err != nil {
		return nil, apprentice.Errorf(apprentice.Invalid, "the URI %s is not valid", uri).WithHint("write %% itself as %%25").Because(err)
	}
	run, inside, _ := strings.Cut(name, "/")
	var content bytes.Buffer
	p := rpc.RunFileParams{RunID: run, Path: inside, Limit: 64 << 10}
	for {
		piece, err := c.RunFile(ctx, p)
		if err != nil {
			return nil, err
		}
		if piece.Dir {
			text, err := asText(piece)
			return &mcp.ResourceContents{MIMEType: "application/json", Text: text}, err
		}
		if piece.Size > maxResource {
			return nil, apprentice.Errorf(apprentice.Invalid, "the file has %d bytes", piece.Size).WithHint("it lies at %s; read_artifact reads by pieces", piece.Absolute)
		}
		content.Write(piece.Base64) // or its text: a piece has one of them
		content.WriteString(piece.Text)
		if piece.Next == 0 {
			break
		}
		if piece.Next <= p.Offset {
			return nil, errors.New("aad reads the file in no order")
		}
		p.Offset = piece.Next
	}
	contents := &mcp.ResourceContents{MIMEType: mime.TypeByExtension(path.Ext(inside))}
	if utf8.Valid(content.Bytes()) && content.Len() > 0 {
		contents.Text = content.String()
	} else {
		contents.Blob = append([]byte{}, content.Bytes()...) // never nil: contents have text or a blob, also where they are empty
	}
	return contents, nil
}
