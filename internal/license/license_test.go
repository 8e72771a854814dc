package license_test

import (
	"testing"

	"headroom/internal/license"
)

func TestHugeInstalledCountsMeanNoLimit(t *testing.T) {
	for n, want := range map[int64]license.State{
		0: license.StateCounted, 40: license.StateCounted, 2147483645: license.StateCounted,
		2147483646: license.StateUnlimited, 2147483647: license.StateUnlimited, 4294967294: license.StateUnlimited,
	} {
		state, count := license.StateOf(n)
		if state != want || count.Known != (want == license.StateCounted) || count.Known && count.N != n {
			t.Errorf("StateOf(%d) = %v, %v; want %v", n, state, count, want)
		}
	}
}
