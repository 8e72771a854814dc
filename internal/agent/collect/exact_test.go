package collect

import (
	"testing"
	"time"

	"headroom/internal/format/flexnet"
)

func TestALogThatSharesLicensesIsNotExact(t *testing.T) {
	h := history{reset: time.Unix(1000, 0)}
	if !h.exact(time.Unix(1000, 0)) {
		t.Error("a log from its start on is not exact")
	}
	h.file.Gaps = []flexnet.LogGap{{From: time.Unix(5000, 0), To: time.Unix(90000, 0)}}
	if !h.exact(time.Unix(2000, 0)) || h.exact(time.Unix(90000, 0)) {
		t.Error("a silence must end what is exact, and not before")
	}
	h.lossy = true
	if h.exact(time.Unix(1000, 0)) {
		t.Error("a log that does not tell all is exact")
	}
}
