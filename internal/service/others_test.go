package service

import (
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlistIsThis(t *testing.T) {
	s := Settings{Program: "/usr/local/bin/headroom", Config: "/etc/a <b> & c/agent.toml", State: "/usr/local/var/headroom"}
	got, err := Plist(s)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "usual.plist"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("usual.plist (-want +got):\n%s", diff)
	}
	for d := xml.NewDecoder(strings.NewReader(got)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("it is no XML: %v", err)
		}
	}
	for why, s := range map[string]Settings{
		"needs no root": {User: "root"}, "further groups": {Groups: []string{"adm"}}, "control character": {Config: "/etc/a\nb"},
	} {
		if _, err := Plist(s); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("error is %v, want one with %q", err, why)
		}
	}
}

// Windows derives identities of services from their names; the one of
// TrustedInstaller is known everywhere.
func TestIdentityOfAServiceIsWhatWindowsMakesOfItsName(t *testing.T) {
	if got, want := serviceSID("TrustedInstaller"), "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"; got != want {
		t.Errorf("identity is %s, want %s", got, want)
	}
}

func TestEachLineOfTheLogIsAnEvent(t *testing.T) {
	var got []string
	log := slog.New(newEventHandler(slog.LevelInfo, func(level slog.Level, text string) error {
		got = append(got, level.String()+" "+text)
		return nil
	}))
	log.Debug("not this")
	log.With("server", "cad").Warn("not read", "err", "refused")
	log.Error("ended")
	want := []string{`WARN msg="not read" server=cad err=refused`, "ERROR msg=ended"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
