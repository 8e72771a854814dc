package collect

import (
	"fmt"
	"strconv"

	"headroom/internal/license"
)

// addOverdraft takes from a license file how much of each count is overdraft:
// FlexNet's OVERDRAFT= of its lines, and none where a line has no such key.
// lmstat prints only the sum. A pool whose
// installed count is not what the file grants is left alone: the file is then
// not what the server has read.
func addOverdraft(snap *license.Snapshot, path, codePage string) error {
	file, err := readLicenseFile(path, codePage)
	if err != nil {
		return fmt.Errorf("license file: %w", err)
	}
	granted, over := map[string]int64{}, map[string]int64{}
	for _, e := range file.Entitlements() {
		granted[e.Name] += e.Count.N
		for _, i := range e.Entries {
			n, err := strconv.ParseInt(file.Entries[i].Attrs["OVERDRAFT"], 10, 32)
			if err == nil && n > 0 {
				over[e.Name] += n
			}
		}
	}
	for i := range snap.Readings {
		r := &snap.Readings[i]
		name := r.Pool.Feature
		if r.State == license.StateCounted && granted[name] > 0 && r.Installed == license.Of(granted[name]+over[name]) {
			r.Overdraft = license.Of(over[name])
		}
	}
	return nil
}
