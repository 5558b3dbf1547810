package release

import "sync"

// Progress tells how far something has come. Its zero value tells of the beginning;
// it may be read while another writes.
type Progress struct {
	mu          sync.Mutex
	stage       string
	done, total int
}

// At returns the stage and how much of it is done; total is 0 where nobody knows.
func (p *Progress) At() (stage string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stage, p.done, p.total
}

func (p *Progress) begin(stage string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage, p.done, p.total = stage, 0, total
}

func (p *Progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
}
