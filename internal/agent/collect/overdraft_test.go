package collect

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"headroom/internal/license"
)

func TestALicenseFileTellsTheOverdraft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acme.lic")
	text := "SERVER lic01 0011 27000\nVENDOR acme\n" +
		"INCREMENT cutter acme 1.0 permanent 100 OVERDRAFT=10 \\\n\tSIGN=0\n" +
		"INCREMENT mill acme 1.0 permanent 20 OVERDRAFT=5 SIGN=0\n" +
		"INCREMENT lathe acme 1.0 permanent 7 SIGN=0\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	reading := func(feature string, installed int64) license.Reading {
		return license.Reading{Pool: license.Pool{Feature: feature}, State: license.StateCounted, Installed: license.Of(installed)}
	}
	snap := license.Snapshot{At: time.Unix(1, 0), Readings: []license.Reading{
		reading("cutter", 110), reading("mill", 20), reading("lathe", 7),
	}}
	if err := addOverdraft(&snap, path, ""); err != nil {
		t.Fatal(err)
	}
	want := []license.Count{license.Of(10), {}, license.Of(0)} // mill: the server has not read this file yet
	for i, r := range snap.Readings {
		if r.Overdraft != want[i] {
			t.Errorf("%s: overdraft %v, want %v", r.Pool, r.Overdraft, want[i])
		}
	}
}

func TestAMissingLicenseFileFailsTheReading(t *testing.T) {
	at := time.Unix(100, 0)
	res := withOverdraft(Result{At: at, Snapshot: license.Snapshot{At: at}}, filepath.Join(t.TempDir(), "none.lic"), "")
	if res.Failure == "" || res.HasSnapshot() {
		t.Errorf("got %+v, want a failure and no snapshot", res)
	}
}
