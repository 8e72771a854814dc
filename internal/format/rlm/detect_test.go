package rlm_test

import (
	"testing"

	"headroom/internal/format"
)

func TestSamplesAreDetected(t *testing.T) {
	for name, want := range map[string]format.Format{
		"isvlog-checkin-reasons-yearend.log":               format.RLMLog,
		"isvlog-denied-product-with-space.log":             format.RLMLog,
		"isvlog-out-in-denied-reread.log":                  format.RLMLog,
		"rlmlog-server-start-v8.log":                       format.RLMLog,
		"reportlog-std-v10-two-runs.log":                   format.RLMReportLog,
		"reportlog-std-v8-truncated-record.log":            format.RLMReportLog,
		"rlmstat-a-i-v15.1-simio-pool.txt":                 format.RLMStatus,
		"rlmstat-a-v12.2-csci-3checkouts.txt":              format.RLMStatus,
		"rlmstat-a-v12.2-failover-pair-nothing-in-use.txt": format.RLMStatus,
		"rlmstat-a-v12.4-teclmd-token-based-product.txt":   format.RLMStatus,
		"rlmstat-error-cannot-connect.txt":                 format.RLMStatus,
	} {
		if got := format.Detect([]byte(sample(t, name))); got != want {
			t.Errorf("%s: detected %s, want %s", name, got, want)
		}
	}
}
