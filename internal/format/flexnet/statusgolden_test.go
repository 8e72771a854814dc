package flexnet_test

import (
	"testing"

	"headroom/internal/format/flexnet"
	"headroom/internal/formattest"
)

func TestStatusGolden(t *testing.T) {
	for _, path := range formattest.Fixtures(t, "testdata/status/*.txt") {
		s := parseStatus(t, formattest.Fixture(t, path), flexnet.StatusOptions{})
		formattest.Golden(t, path, struct {
			Status    flexnet.Status
			Snapshots []flexnet.ServerSnapshot
		}{s, flexnet.Snapshots(s)})
	}
}
