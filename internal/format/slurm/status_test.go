package slurm_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/slurm"
	"headroom/internal/license"
)

func parse(t *testing.T, text string) facts.Output {
	t.Helper()
	out, err := slurm.ParseStatus(strings.NewReader(text), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// readings are the pools of the one server that an output tells of.
func readings(t *testing.T, out facts.Output) []license.Reading {
	t.Helper()
	if len(out.Servers) != 1 || out.Error != "" {
		t.Fatalf("%d servers, error %q, want one server", len(out.Servers), out.Error)
	}
	return out.Servers[0].Snapshot.Readings
}

func counted(name string, installed, inUse int64) license.Reading {
	return license.Reading{
		Pool: license.Pool{Feature: name}, State: license.StateCounted, Installed: license.Of(installed), InUse: license.Of(inUse),
	}
}

func TestEveryVersionIsRead(t *testing.T) {
	for version, text := range map[string]string{
		"until 20.11": "LicenseName=mesher Total=30 Used=4 Free=26 Remote=no\n" +
			"LicenseName=solver@lic1 Total=70 Used=12 Free=58 Remote=yes\n",
		"from 21.08, with reservations": "LicenseName=mesher Total=30 Used=4 Free=26 Reserved=2 Remote=no\n" +
			"LicenseName=solver@lic1 Total=70 Used=12 Free=58 Reserved=0 Remote=yes\n",
		"from 23.02, with the remote server's own count": "LicenseName=mesher Total=30 Used=4 Free=26 Reserved=0 Remote=no\n" +
			"LicenseName=solver@lic1 Total=70 Used=12 Free=55 Reserved=0 Remote=yes LastConsumed=40 LastDeficit=3 LastUpdate=2026-03-03T09:15:42\n",
		"not on one line": "LicenseName=mesher\n    Total=30 Used=4 Free=26 Reserved=0 Remote=no\n" +
			"LicenseName=solver@lic1\n    Total=70 Used=12 Free=55 Reserved=0 Remote=yes\n    LastConsumed=40 LastDeficit=3 LastUpdate=2026-03-03T09:15:42\n",
		"with fields of tomorrow": "LicenseName=mesher Total=30 Used=4 Free=26 Reserved=0 Remote=no Nodes=n[1-9]\n" +
			"LicenseName=solver@lic1 Total=70 Used=12 Free=58 Reserved=0 Remote=yes Colour=red\n",
		"with CRLF and empty lines": "\r\nLicenseName=mesher Total=30 Used=4 Free=26 Remote=no\r\n\r\n" +
			"LicenseName=solver@lic1 Total=70 Used=12 Free=58 Remote=yes\r\n",
		"without a last line end": "LicenseName=mesher Total=30 Used=4 Free=26 Remote=no\n" +
			"LicenseName=solver@lic1 Total=70 Used=12 Free=58 Remote=yes",
	} {
		out := parse(t, text)
		want := []license.Reading{counted("mesher", 30, 4), counted("solver@lic1", 70, 12)}
		if diff := cmp.Diff(want, readings(t, out)); diff != "" {
			t.Errorf("%s: readings (-want +got):\n%s", version, diff)
		}
		if !out.Servers[0].Snapshot.Complete || out.Unread.Total != 0 {
			t.Errorf("%s: complete %v, %d lines unread, want true and none", version, out.Servers[0].Snapshot.Complete, out.Unread.Total)
		}
		if got := out.Servers[0].Server; got.Manager != "slurm" || !out.Servers[0].Snapshot.At.IsZero() {
			t.Errorf("%s: server %+v at %v, want a Slurm without a date", version, got, out.Servers[0].Snapshot.At)
		}
	}
}

func TestUseMayExceedWhatIsInstalled(t *testing.T) {
	out := parse(t, "LicenseName=mesher Total=2 Used=5 Free=0 Reserved=0 Remote=no\n")
	if diff := cmp.Diff([]license.Reading{counted("mesher", 2, 5)}, readings(t, out)); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
}

func TestHugeTotalIsNoLimit(t *testing.T) {
	for _, total := range []string{"2147483646", "2147483647", "-1", "-2147483648"} {
		out := parse(t, "LicenseName=mesher Total="+total+" Used=5 Free=1 Remote=no\n")
		want := license.Reading{Pool: license.Pool{Feature: "mesher"}, State: license.StateUnlimited, InUse: license.Of(5)}
		if diff := cmp.Diff([]license.Reading{want}, readings(t, out)); diff != "" {
			t.Errorf("total %s: readings (-want +got):\n%s", total, diff)
		}
	}
}

func TestLayersOfOneLicenseAreAdded(t *testing.T) {
	out := parse(t, "LicenseName=flat Total=4 Used=1 Free=3 Reserved=0 Remote=no Nodes=a\nLicenseName=flat Total=6 Used=2 Free=4 Reserved=0 Remote=no Nodes=b\n")
	if diff := cmp.Diff([]license.Reading{counted("flat", 10, 3)}, readings(t, out)); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
}

// A count that was cut short is a wrong count: it is not read.
func TestStatusThatWasCutHasNoWrongCount(t *testing.T) {
	whole := "LicenseName=mesher Total=30 Used=14 Free=16 Reserved=0 Remote=no\nLicenseName=solver Total=70 Used=12 Free=58 Reserved=0 Remote=yes LastConsumed=40 LastDeficit=3 LastUpdate=2026-03-03T09:15:42\n"
	all := map[string]license.Reading{"mesher": counted("mesher", 30, 14), "solver": counted("solver", 70, 12)}
	for cut := range len(whole) {
		out := parse(t, whole[:cut])
		for _, s := range out.Servers {
			for _, r := range s.Snapshot.Readings {
				if diff := cmp.Diff(all[r.Pool.Feature], r); diff != "" {
					t.Fatalf("cut at %d: reading (-want +got):\n%s", cut, diff)
				}
			}
		}
	}
}

func TestOddRecordCostsOnlyItself(t *testing.T) {
	for _, odd := range []string{
		"LicenseName= Total=1 Used=1 Free=0 Remote=no",
		"LicenseName=odd Total=x Used=1 Free=0 Remote=no",
		"LicenseName=odd Total=1 Used=-9999999999 Free=0 Remote=no",
		"LicenseName=odd Total=1 Used= Free=0 Remote=no",
		"LicenseName=odd",
		"LicenseName=odd Total=1 Used=1 Free=0 Remote=maybe",
		"LicenseName=odd Total=99999999999999999999 Used=1 Free=0 Remote=no",
	} {
		out := parse(t, odd+"\nLicenseName=mesher Total=30 Used=4 Free=26 Remote=no\n")
		if diff := cmp.Diff([]license.Reading{counted("mesher", 30, 4)}, readings(t, out)); diff != "" {
			t.Errorf("%s: readings (-want +got):\n%s", odd, diff)
		}
		want := []facts.Unread{{Line: 1, Text: odd}}
		if diff := cmp.Diff(want, out.Unread.First); diff != "" || out.Servers[0].Snapshot.Complete {
			t.Errorf("%s: complete %v, unread (-want +got):\n%s", odd, out.Servers[0].Snapshot.Complete, diff)
		}
	}
}

func TestWarningCostsNothing(t *testing.T) {
	out := parse(t, "scontrol: error: a plugin is missing\nLicenseName=mesher Total=30 Used=4 Free=26 Remote=no\n")
	if diff := cmp.Diff([]license.Reading{counted("mesher", 30, 4)}, readings(t, out)); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
	if !out.Servers[0].Snapshot.Complete || out.Unread.Total != 1 {
		t.Errorf("complete %v, %d lines unread, want true and 1", out.Servers[0].Snapshot.Complete, out.Unread.Total)
	}
}

func TestErrorIsNotZero(t *testing.T) {
	for text, want := range map[string]string{
		"": "the output tells of no license of Slurm",
		"slurm_load_license error: Unable to contact slurm controller (connect failure)\n": "slurm_load_license error: Unable to contact slurm controller (connect failure)",
		"No licenses configured in Slurm.\n":                                               "No licenses configured in Slurm.",
		"some banner\nscontrol: error: s_p_parse_file: cannot stat file /etc/slurm/slurm.conf\nscontrol: fatal: Unable to process configuration file\n": "scontrol: error: s_p_parse_file: cannot stat file /etc/slurm/slurm.conf",
		"bash: scontrol: command not found\n": "bash: scontrol: command not found",
	} {
		out := parse(t, text)
		if out.Error != want || len(out.Servers) != 0 {
			t.Errorf("%q: error %q with %d servers, want %q and none", text, out.Error, len(out.Servers), want)
		}
	}
}

func TestReaderThatFailsIsAnError(t *testing.T) {
	broken := errors.New("broken pipe")
	r := io.MultiReader(strings.NewReader("LicenseName=mesher Total=30 Used=4 Free=26 Remote=no\n"), iotest.ErrReader(broken))
	if _, err := slurm.ParseStatus(r, facts.Options{}); !errors.Is(err, broken) {
		t.Errorf("ParseStatus: %v, want %v", err, broken)
	}
	if _, err := slurm.ParseStatus(strings.NewReader(""), facts.Options{CodePage: "nonsense"}); err == nil {
		t.Error("a code page that does not exist is taken")
	}
}

func FuzzStatus(f *testing.F) {
	f.Add("LicenseName=a Total=3 Used=1 Free=2 Reserved=0 Remote=no\nLicenseName=b@s\n    Total=-1 Used=0 Free=2 Remote=yes\n    LastConsumed=1\n")
	f.Add("slurm_load_license error: x\nNo licenses configured in Slurm.\n")
	f.Fuzz(func(t *testing.T, in string) {
		out, err := slurm.ParseStatus(strings.NewReader(in), facts.Options{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		if (out.Error == "") == (len(out.Servers) == 0) {
			t.Fatalf("error %q with %d servers", out.Error, len(out.Servers))
		}
		pools := map[license.Pool]bool{}
		for _, s := range out.Servers {
			for _, r := range s.Snapshot.Readings {
				if pools[r.Pool] || r.Pool.Feature == "" || r.Installed.N < 0 || r.InUse.N < 0 ||
					(r.State == license.StateCounted) != r.Installed.Known {
					t.Fatalf("reading %+v", r)
				}
				pools[r.Pool] = true
			}
		}
	})
}
