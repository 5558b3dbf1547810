package daemon

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"aad/apprentice"
	"aad/rpc"
)

// abuse are things that no client says. Each is written to a connection of its own.
var abuse = map[string]string{
	"nothing":             "",
	"garbage":             "\x00\xff\xfe\x80 garbage \n\n",
	"half a call":         `{"jsonrpc":"2.0","id":1,"meth`,
	"half a header":       "Content-Length: 100\r\n\r\n{",
	"no number":           "Content-Length: many\r\n\r\n{}",
	"a negative length":   "Content-Length: -5\r\n\r\n{}",
	"a huge length":       "Content-Length: 99999999999999999999\r\n\r\n{}",
	"over the limit":      "Content-Length: 5000000\r\n\r\n" + strings.Repeat(" ", 5000000),
	"a line with no end":  "{" + strings.Repeat(" ", 5<<20),
	"deep":                strings.Repeat("[", 200000) + "\n",
	"deep params":         `{"jsonrpc":"2.0","id":1,"method":"run/list","params":` + strings.Repeat(`{"a":`, 100000) + "1" + strings.Repeat("}", 100000) + "}\n",
	"a batch":             `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]` + "\n",
	"no method":           `{"jsonrpc":"2.0","id":1}` + "\n",
	"an odd id":           `{"jsonrpc":"2.0","id":{"a":[]},"method":"ping"}` + "\n",
	"wrong types":         `{"jsonrpc":"2.0","id":1,"method":"run/submit","params":{"instruction":7,"assets":"x"}}` + "\n",
	"params no object":    `{"jsonrpc":"2.0","id":1,"method":"run/list","params":[1,2]}` + "\n",
	"an unknown key":      `{"jsonrpc":"2.0","id":1,"method":"run/list","params":{"lmit":1}}` + "\n",
	"numbers too big":     `{"jsonrpc":"2.0","id":1,"method":"run/events","params":{"run_id":"@last","after":1e400}}` + "\n",
	"negative numbers":    `{"jsonrpc":"2.0","id":1,"method":"run/output","params":{"run_id":"@last","offset":-9223372036854775808,"limit":-5}}` + "\n",
	"a path out":          `{"jsonrpc":"2.0","id":1,"method":"run/file","params":{"run_id":"@last","path":"../../../../etc/passwd"}}` + "\n",
	"an id with a path":   `{"jsonrpc":"2.0","id":1,"method":"run/get","params":{"run_id":"../../etc"}}` + "\n",
	"control characters":  `{"jsonrpc":"2.0","id":1,"method":"run/submit","params":{"instruction":"a\u0000b"}}` + "\n",
	"a call that is none": `{"jsonrpc":"2.0","id":1,"result":{}}` + "\n",
	"the same id often":   strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n", 3000),
	"cancels of nothing":  strings.Repeat(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":7}}`+"\n", 1000),
}

func TestNothingThatIsSentHarmsAadOrOtherClients(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.quick(), Rubric: anyOutput})
	pid := must(a, rpc.Ping, rpc.Empty{}).PID
	for name, text := range abuse {
		t.Run(name, func(t *testing.T) {
			conn := a.raw()
			defer conn.Close()
			_, _ = conn.Write([]byte(text)) // aad may hang up in the middle
			_ = conn.(*net.UnixConn).CloseWrite()
			answer, _ := io.ReadAll(conn)
			for _, secret := range []string{"root:", "goroutine", ".go:"} {
				if bytes.Contains(answer, []byte(secret)) {
					t.Errorf("it answers %q", lastBytes(answer, 400))
				}
			}
			if got := must(a, rpc.Ping, rpc.Empty{}); got.PID != pid {
				t.Errorf("aad is now process %d", got.PID)
			}
		})
	}
	random := rand.New(rand.NewPCG(1, 2))
	valid := `{"jsonrpc":"2.0","id":1,"method":"run/submit","params":{"instruction":"true","labels":{"a":"b"},"settings":{"agent":"shell"}}}` + "\n"
	for range 300 {
		text := []byte(valid)
		for range 1 + random.IntN(4) {
			text[random.IntN(len(text))] = byte(random.IntN(256))
		}
		conn := a.raw()
		_, _ = conn.Write(text)
		conn.Close()
	}
	if run := a.work(rpc.RunSubmitParams{RunID: "after", Instruction: s.quick(), Rubric: anyOutput}); !run.Accepted() {
		t.Errorf("it ended %+v", run)
	}
}

func (a *aad) raw() net.Conn {
	a.t.Helper()
	conn, err := net.Dial("unix", a.home.Socket())
	if err != nil {
		a.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		a.t.Fatal(err)
	}
	return conn
}

func TestClientsThatSayNothingOrReadNothingHoldNobodyUp(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	for range 40 {
		silent := a.raw()
		defer silent.Close()
		slow := a.raw()
		defer slow.Close()
		fmt.Fprint(slow, `{"jsonrpc":"2.0","id":1,"method":"run/watch","params":{}}`+"\n"+`{"jsonrpc":`)
	}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			id := apprentice.RunID(fmt.Sprintf("r%d", i))
			got, err := rpc.Call(a.ctx(), a.conn, rpc.RunSubmit, rpc.RunSubmitParams{RunID: string(id), Instruction: s.text(twoTries), Rubric: wantsGood})
			if err != nil {
				t.Error(err)
				return
			}
			end, err := rpc.Call(a.ctx(), a.conn, rpc.RunWait, rpc.RunWaitParams{RunID: string(got.Run.RunID)})
			if err != nil || !end.Run.Accepted() {
				t.Errorf("%s ended %+v, %v", id, end.Run, err)
			}
		})
	}
	all.Wait()
}

func TestConnectionsBeyondTheLimitAreToldSo(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	refusals := 0
	for range 300 {
		conn := a.raw()
		open = append(open, conn)
		fmt.Fprintln(conn, `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err == nil && strings.Contains(line, "-32006") {
			refusals++
		}
	}
	if refusals < 300-rpc.MaxConnections {
		t.Errorf("%d connections were refused", refusals)
	}
	must(a, rpc.Ping, rpc.Empty{}) // who was there goes on
}
