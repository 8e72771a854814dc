package upload_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/agent/upload"
)

func TestBackoffDoublesUpToAQuarterOfAnHour(t *testing.T) {
	longest := map[int]time.Duration{}
	for range 500 {
		var b upload.Backoff
		for i := range 200 {
			bound := 15 * time.Minute
			if i < 10 {
				bound = min(bound, time.Second<<i)
			}
			wait := b.Next(errors.New("no"))
			if wait <= 0 || wait > bound {
				t.Fatalf("after failure %d: %s, want more than 0 and at most %s", i+1, wait, bound)
			}
			longest[i] = max(longest[i], wait)
		}
		b.Reset()
		if wait := b.Next(errors.New("no")); wait > time.Second {
			t.Fatalf("after Reset: %s, want at most a second", wait)
		}
	}
	// 500 times full jitter: the longest is near its bound, or it is no such jitter.
	for i, want := range map[int]time.Duration{0: time.Second, 5: 32 * time.Second, 9: 512 * time.Second, 10: 15 * time.Minute, 199: 15 * time.Minute} {
		if longest[i] < want*9/10 {
			t.Errorf("failure %d: the longest of 500 is %s, want nearly %s", i+1, longest[i], want)
		}
	}
}

func TestBackoffWaitsAsLongAsTheHubAsks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b upload.Backoff
		after := time.Duration(rapid.Int64Range(1, 24*3600).Draw(t, "seconds")) * time.Second
		for i := range rapid.IntRange(1, 20).Draw(t, "failures") {
			wait := b.Next(fmt.Errorf("batch: %w", &upload.Refusal{Status: 503, After: after}))
			if wait < after || wait > after+after/4 {
				t.Fatalf("failure %d: %s, want %s and at most a quarter more", i+1, wait, after)
			}
		}
	})
}
