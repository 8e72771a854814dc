package store

import "testing"

func TestSQLiteThatCanCorruptIsRefused(t *testing.T) {
	for version, ok := range map[string]bool{
		"3.54.1": true, "3.53.0": true, "4.0.0": true, "3.52.9": false, "3.9.0": false, "2.99": false, "new": false,
	} {
		if err := checkSQLite(version); (err == nil) != ok {
			t.Errorf("SQLite %s: %v, want taken: %v", version, err, ok)
		}
	}
}
