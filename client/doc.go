// Package client connects to aad and gives each of its methods a Go name. It
// starts the daemon when nobody listens and the caller wishes it.
//
// It decides nothing about runs, keeps no state but its connection, and reads no
// file of the home but the tail of what a daemon that would not start has said.
//
// What aad refuses holds an *apprentice.Error (errors.As): its Kind says of what sort
// (apprentice.KindOf reads it from any error), its Message what, its Hint the way out, its
// Field which parameter. rpc.RetryAfter says when a call may be tried again. What has no
// such kind is a fault of the connection or the error of ctx.
//
// The module's path is aad, which no proxy serves: a program outside of it names a
// checkout in its go.mod, as with go mod edit -replace aad=../aad.
//
// Read Connect first, then Client.Watch.
package client
