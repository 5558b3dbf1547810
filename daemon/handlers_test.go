package daemon

import (
	"log/slog"
	"testing"

	"aad/rpc"
)

func TestEveryMethodOfTheTableHasABody(t *testing.T) {
	t.Parallel()
	d := &Daemon{server: rpc.NewServer(slog.New(slog.DiscardHandler))}
	d.handle()
	if names := d.server.Unhandled(); len(names) > 0 {
		t.Errorf("nobody answers %v", names)
	}
}
