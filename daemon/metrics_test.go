package daemon

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"aad/apprentice"
	"aad/rpc"
)

// freePort is one that nobody listened at a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func scrape(t *testing.T, address string) string {
	t.Helper()
	client := http.Client{Timeout: 30 * time.Second}
	res, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v\n%s", res.Status, err, text)
	}
	return string(text)
}

// statusFor asks as a page would whose name leads to this machine.
func statusFor(t *testing.T, address, host string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestMetricsCountWhatHappened(t *testing.T) {
	t.Parallel()
	address := freePort(t)
	a := newAad(t, "AA_METRICS_ADDRESS="+address)
	a.work(rpc.RunSubmitParams{Instruction: "echo x > artifacts/x.txt"})
	a.work(rpc.RunSubmitParams{Instruction: "exit 3"})
	wanted := []string{
		`aad_attempts_total{agent="shell",outcome="success"} 1`, `aad_attempts_total{agent="shell",outcome="failed"} 1`,
		`aad_runs_ended_total{state="completed",verdict="passed"} 1`, `aad_queue_wait_seconds_count 2`, `aad_run_duration_seconds_count 2`,
		`aad_attempt_duration_seconds_count{agent="shell"} 2`, `aad_queue_depth 0`, `aad_slots 2`, `aad_build_info{version="test"} 1`,
		`aad_runs{state="completed"} 1`,
	}
	var text string
	end := time.Now().Add(time.Minute)
	for missing := wanted; len(missing) > 0; {
		if text = scrape(t, address); time.Now().After(end) {
			t.Fatalf("%q are not in\n%s", missing, text)
		}
		missing = nil
		for _, line := range wanted {
			if !strings.Contains(text, line+"\n") {
				missing = append(missing, line)
			}
		}
	}
	for host, want := range map[string]int{address: http.StatusOK, "localhost": http.StatusOK, "[::1]:80": http.StatusOK, "127.0.0.1.example.com": http.StatusForbidden, "example.com:9464": http.StatusForbidden} {
		if got := statusFor(t, address, host); got != want {
			t.Errorf("the host %s gets %d, want %d", host, got, want)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("names or types break conventions: %v, %v", problems, err)
	}
	told, err := rpc.Call(a.ctx(), a.conn, rpc.DaemonMetrics, rpc.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range told.Metrics {
		if m.Type != "histogram" && !strings.Contains(text, "\n"+m.Name) {
			t.Errorf("the method tells %s, the page does not", m.Name)
		}
	}
}

func TestMetricsAreForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for address, fine := range map[string]bool{
		"127.0.0.1:9464": true, "localhost:0": true, "[::1]:9464": true, "": true,
		"0.0.0.0:9464": false, ":9464": false, "192.0.2.1:9464": false, "example.com:80": false, "127.0.0.1": false, "[::]:1": false,
	} {
		_, err := apprentice.ParseSettings(fmt.Appendf(nil, `{"metrics_address": %q}`, address), apprentice.DefaultSettings())
		if (err == nil) != fine {
			t.Errorf("%q: %v", address, err)
		}
	}
}
