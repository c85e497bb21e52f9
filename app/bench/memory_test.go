package bench

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkMemory is what the binary's muster run takes once it has settled:
// on an empty file, and with 1,000 open incidents of 50 records each. VmRSS
// counts the pages of the data file that happen to be in memory too.
//
//	go test ./app/bench -run '^$' -bench Memory -benchtime 1x
func BenchmarkMemory(b *testing.B) {
	for _, open := range []int{0, 1_000} {
		b.Run(fmt.Sprintf("open=%d", open), func(b *testing.B) {
			binary := built(b)
			dir := b.TempDir()
			data := filepath.Join(dir, "muster.db")
			live := configured(b, dir)
			if open > 0 {
				prepared(b, data, live, open, 50)
			}
			ws, url := slack(b, people(live.Get(), 0))
			var most, settled, anonymous int64
			for b.Loop() {
				p := run(b, binary, data, ws, url)
				p.ready(b)
				time.Sleep(20 * time.Second)
				most, settled, anonymous = p.resident(b, "VmHWM"), p.resident(b, "VmRSS"), p.resident(b, "RssAnon")
				p.end(b)
			}
			beside(b, dir)
			b.ReportMetric(float64(settled)/1e6, "RSS-MB")
			b.ReportMetric(float64(anonymous)/1e6, "heap-MB")
			b.ReportMetric(float64(most)/1e6, "peak-MB")
		})
	}
}
