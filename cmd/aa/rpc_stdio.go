package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"aad/apprentice"
	"aad/rpc"
)

// bridge joins stdin and stdout to aad's socket, byte for byte, until aad has hung
// up. The end of stdin is passed on, so what is in flight is still answered.
func (a *app) bridge(ctx context.Context) error {
	c, err := a.connect(ctx) // starts aad where it must
	if err != nil {
		return err
	}
	socket := c.Socket()
	if err := c.Close(); err != nil {
		return fmt.Errorf("leave aad: %w", err)
	}
	conn, err := rpc.Connect(ctx, socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	// Owned by bridge; ends with stdin, or with the process, since a read of stdin
	// cannot be interrupted.
	go func() {
		// A socket that has gone ends the other direction too, which tells it.
		_, _ = io.Copy(conn, a.in)
		if half, ok := conn.(*net.UnixConn); ok {
			_ = half.CloseWrite() // as above
		}
	}()
	_, err = io.Copy(a.out, conn)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !errors.Is(err, net.ErrClosed):
		return apprentice.Errorf(apprentice.Unavailable, "the connection to aad broke").Because(err).WithHint("aa daemon status")
	}
	return nil
}
