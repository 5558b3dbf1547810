package daemon

import (
	"encoding/json"
	"slices"
	"testing"

	"aad/rpc"
)

// TestWhoFollowsIsToldThatAadStops has many watch and wait while aad is stopped, plainly
// and by force. Whoever is not told takes it for a crash, and starts aad again.
func TestWhoFollowsIsToldThatAadStops(t *testing.T) {
	t.Parallel()
	for _, force := range []bool{false, true} {
		a := newAad(t)
		id := a.submit(rpc.RunSubmitParams{Hold: true, Instruction: "true"})
		var ends []<-chan string
		for i := range 40 {
			conn := a.dial()
			if i%4 > 0 {
				ends = append(ends, farewellOf(conn))
				if _, err := rpc.Call(a.ctx(), conn, rpc.RunWatch, rpc.RunWatchParams{}); err != nil {
					t.Fatal(err)
				}
				continue
			}
			told := make(chan string, 1)
			ends = append(ends, told)
			go func() { // ends with aad
				_, err := rpc.Call(a.ctx(), conn, rpc.RunWait, rpc.RunWaitParams{RunID: string(id)})
				if _, said := rpc.RetryAfter(err); said {
					err = nil
					told <- "stopping"
				}
				if err != nil {
					told <- err.Error()
				}
			}()
		}
		eventually(t, "all wait", func() bool {
			m, err := rpc.Call(a.ctx(), a.conn, rpc.DaemonMetrics, rpc.Empty{})
			return err == nil && slices.ContainsFunc(m.Metrics, func(m rpc.Metric) bool { return m.Name == "aad_calls_in_flight" && m.Value > 10 })
		})
		if _, err := rpc.Call(a.ctx(), a.conn, rpc.DaemonShutdown, rpc.ShutdownParams{Force: force}); err != nil {
			t.Fatal(err)
		}
		for i, end := range ends {
			if got := <-end; got != "stopping" {
				t.Errorf("force %v: follower %d is told %q", force, i, got)
			}
		}
		if err := a.cmd.Wait(); err != nil {
			t.Errorf("aad ends with %v", err)
		}
		a.cmd = nil
	}
}

// farewellOf tells why the watch on a connection ended, or that it broke.
func farewellOf(conn *rpc.Conn) <-chan string {
	told := make(chan string, 2)
	conn.OnNotify(func(method string, params json.RawMessage) {
		var end rpc.RunWatchEndNote
		if method == rpc.RunWatchEnd.Name && json.Unmarshal(params, &end) == nil {
			told <- end.Reason
		}
	})
	go func() { // ends with the connection
		<-conn.Done()
		told <- "nothing"
	}()
	return told
}
