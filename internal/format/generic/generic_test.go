package generic_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/generic"
	"headroom/internal/license"
)

func parse(t testing.TB, text string) generic.Document {
	t.Helper()
	d, err := generic.Parse(strings.NewReader(text), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// doc is a document with these further fields.
func doc(fields string) string { return `{"headroom_usage": 1, ` + fields + `}` }

func TestWholeExampleIsRead(t *testing.T) {
	d := parse(t, examples(t)[2])
	zone := time.FixedZone("", 60*60)
	at := func(clock string) time.Time {
		c, err := time.ParseInLocation(time.DateTime, "2026-03-03 "+clock, zone)
		if err != nil {
			t.Fatal(err)
		}
		return c.UTC()
	}
	cad, none := license.Pool{Feature: "CAD"}, license.Count{}
	want := generic.Document{
		Output: facts.Output{
			Lines: d.Output.Lines,
			Servers: []facts.Status{{
				Server: license.Server{
					Hosts: []string{"cad-lic-02.example.com"}, Port: 4711, HostID: "001122aabbcc", Manager: "acme-lm", Version: "7.2",
				},
				Snapshot: license.Snapshot{
					At: at("09:15:00"), Complete: true,
					Readings: []license.Reading{
						{
							Pool: cad, Daemon: "acmed", State: license.StateCounted, Installed: license.Of(22), InUse: license.Of(9),
							Reserved: license.Of(2), Borrowed: license.Of(1), Queued: license.Of(0), Overdraft: license.Of(2),
						},
						{
							Pool: license.Pool{Feature: "CAD", Variant: "campus 2"}, State: license.StateCounted,
							Installed: license.Of(5), InUse: license.Of(0),
						},
						{Pool: license.Pool{Feature: "VIEW"}, State: license.StateUnlimited, Installed: none, InUse: license.Of(31)},
						{Pool: license.Pool{Feature: "MESH"}, State: license.StateError, Reason: "license has expired"},
					},
					Holders: []license.Holder{
						{Pool: cad, User: "mira", Host: "ws12", Licenses: 2, Since: at("08:01:12"), Kind: license.HolderActive, Handle: "4f1"},
						{
							Pool: cad, User: "tomas", Host: "laptop7", Licenses: 1, Kind: license.HolderBorrowed,
							Since: time.Date(2026, 2, 27, 15, 40, 0, 0, time.UTC),
						},
						{Pool: cad, User: "DESIGN", Licenses: 2, Kind: license.HolderReserved},
					},
				},
			}},
		},
		Holders: true,
		Denials: []generic.Denial{{Pool: cad, At: at("08:59:58"), User: "ana", Host: "ws3", Reason: "no license left", Count: 3}},
		Uses: []facts.Use{{
			Pool: cad, From: at("09:10:00"), To: at("09:15:00"), Exact: true, Start: 8,
			Steps: []facts.Step{{At: at("09:12:31"), InUse: 10, High: 10}, {At: at("09:14:02"), InUse: 9, High: 11}},
		}},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

func TestUnknownIsNotZero(t *testing.T) {
	for _, counts := range []string{``, `, "installed": null, "in_use": null`} {
		d := parse(t, doc(`"pools": [{"feature": "CAD"`+counts+`}]`))
		want := []license.Reading{{Pool: license.Pool{Feature: "CAD"}, State: license.StateCounted}}
		if diff := cmp.Diff(want, d.Output.Servers[0].Snapshot.Readings); diff != "" {
			t.Errorf("%q: readings (-want +got):\n%s", counts, diff)
		}
	}
	for text, told := range map[string]bool{
		doc(`"pools": [{"feature": "CAD"}]`):                  false,
		doc(`"pools": [{"feature": "CAD"}], "holders": null`): false,
		doc(`"pools": [{"feature": "CAD"}], "holders": []`):   true,
	} {
		if d := parse(t, text); d.Holders != told {
			t.Errorf("%s: holders are told: %v, want %v", text, d.Holders, told)
		}
	}
}

func TestErrorIsNotZero(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "the document is empty",
		" \n":                                   "the document is empty",
		"{":                                     "the document ends before its end",
		`{"headroom_usage": 1, "pools": [{"fea`: "the document ends before its end",
		"\n\n[1,]":                              "the document is no JSON object",
		"{\n\"headroom_usage\": 1,\n\"pools\": [{\"feature\": CAD}]}":     "line 3: invalid character 'C'",
		"Usage: cad-usage [options]\n":                                    "line 1: invalid character 'U'",
		doc(`"pools": [{"feature":"A"}]`) + "\n{}":                        "line 2: something follows the document",
		`{"pools": [{"feature":"A"}]}`:                                    "headroom_usage: is missing",
		`{"headroom_usage": 2, "pools": []}`:                              "headroom_usage: version 2 is not known",
		`{"headroom_usage": "1"}`:                                         `headroom_usage: must be a whole number`,
		`{"headroom_usage": 1}`:                                           "pools: there is none",
		doc(`"pools": []`):                                                "pools: there is none",
		doc(`"pools": {}`):                                                "pools: must be a list",
		doc(`"pools": [], "pools": []`):                                   "pools: stands twice",
		doc(`"at": null, "at": null`):                                     "at: stands twice",
		doc(`"pools": [7]`):                                               "pools[0]: must be an object, not 7",
		doc(`"pools": [{"in_use": 1}]`):                                   "pools[0].feature: is missing",
		doc(`"at": "2026-03-03 09:15", "pools": [{"feature": "A"}]`):      `at: must be a time with its offset, such as 2026-03-03T09:15:42+01:00, not "2026-03-03 09:15"`,
		doc(`"at": "0001-01-01T00:00:00Z", "pools": [{"feature": "A"}]`):  "at: 0001-01-01T00:00:00Z is before 1990",
		doc(`"complete": "yes", "pools": [{"feature": "A"}]`):             `complete: must be true or false, not "yes"`,
		doc(`"server": {"hosts": ["a", 7]}, "pools": [{"feature": "A"}]`): "server.hosts[1]: must be a host name, not 7",
		doc(`"server": {"port": 70000}, "pools": [{"feature": "A"}]`):     "server.port: 70000 is no port",
		doc(`"server": "lic01", "pools": [{"feature": "A"}]`):             `server: must be an object, not "lic01"`,
		doc(`"error": "it is down", "pools": [{"feature": "A"}]`):         "it is down",
		doc(`"error": false`):                                             "error: must be a text, not false",
	} {
		d := parse(t, text)
		if !strings.Contains(d.Output.Error, want) || len(d.Output.Servers) != 0 {
			t.Errorf("%s: error %q with %d servers, want %q and none", text, d.Output.Error, len(d.Output.Servers), want)
		}
	}
}

func TestMistakeCostsOnlyItselfAndIsNamedByItsPath(t *testing.T) {
	good := license.Reading{Pool: license.Pool{Feature: "GOOD"}, State: license.StateCounted, InUse: license.Of(1)}
	bad := license.Pool{Feature: "BAD"}
	for fields, want := range map[string]string{
		`"in_use": -1`:                     "pools[0].in_use: must be a whole number from 0 to 1000000000000, or null, not -1",
		`"in_use": 1.5`:                    "pools[0].in_use: must be a whole number from 0 to 1000000000000, or null, not 1.5",
		`"in_use": "7"`:                    `pools[0].in_use: must be a whole number from 0 to 1000000000000, or null, not "7"`,
		`"in_use": 1000000000001`:          "pools[0].in_use: must be a whole number from 0 to 1000000000000, or null, not 1000000000001",
		`"in_use": {}`:                     "pools[0].in_use: must be a whole number from 0 to 1000000000000, or null, not an object",
		`"state": "fine"`:                  `pools[0].state: must be counted, uncounted, unlimited, error or unknown, not "fine"`,
		`"state": "error", "installed": 3`: "pools[0].installed: a pool that is error has no such number",
		`"in_use": 2, "reserved": 3`:       "pools[0].reserved: 3 is more than in_use, which is 2",
		`"installed": 2, "overdraft": 3`:   "pools[0].overdraft: 3 is more than installed, which is 2",
		`"vendor": "a\u0000b"`:             "pools[0].vendor: contains a NUL",
		`"reason": ["a"]`:                  "pools[0].reason: must be a text, not a list",
	} {
		d := parse(t, doc("\"pools\": [\n{\"feature\": \"BAD\", "+fields+"},\n{\"feature\": \"GOOD\", \"in_use\": 1}]"))
		if d.Output.Error != "" || len(d.Output.Servers) != 1 {
			t.Errorf("%s: error %q", fields, d.Output.Error)
			continue
		}
		s := d.Output.Servers[0].Snapshot
		if diff := cmp.Diff([]license.Reading{{Pool: bad, Reason: want}, good}, s.Readings); diff != "" || !s.Complete {
			t.Errorf("%s: complete %v, readings (-want +got):\n%s", fields, s.Complete, diff)
		}
		if diff := cmp.Diff([]facts.Unread{{Line: 2, Text: want}}, d.Output.Unread.First); diff != "" {
			t.Errorf("%s: unread (-want +got):\n%s", fields, diff)
		}
	}
	for field, want := range map[string]string{
		`"holders": [{"user": "mira"}]`:                                                                                         "holders[0].feature: is missing",
		`"holders": [{"feature": "GOOD", "how": "asleep"}]`:                                                                     `holders[0].how: must be active, borrowed, linger, queued or reserved, not "asleep"`,
		`"holders": [{"feature": "GOOD", "since": 1772525742}]`:                                                                 "holders[0].since: must be a time with its offset, such as 2026-03-03T09:15:42+01:00, not 1772525742",
		`"holders": ["mira"]`:                                                                                                   `holders[0]: must be an object, not "mira"`,
		`"denials": [{"feature": "GOOD"}]`:                                                                                      "denials[0].at: is missing",
		`"denials": [{"feature": "GOOD", "at": "2026-03-03T09:15:42Z", "count": 0}]`:                                            "denials[0].count: must be at least 1",
		`"events": [{"feature": "GOOD", "from": "2026-03-03T09:15:42Z", "start": 1}]`:                                           "events[0].to: is missing",
		`"events": [{"feature": "GOOD", "from": "2026-03-03T09:15:42Z", "to": "2026-03-03T09:15:42.9Z", "start": 1}]`:           "events[0].to: is not after from",
		`"events": [{"feature": "GOOD", "from": "2026-03-03T09:00:00Z", "to": "2026-03-03T10:00:00Z"}]`:                         "events[0].start: is missing",
		`"events": [{"feature": "GOOD", "from": "2026-03-03T09:00:00Z", "to": "2026-03-03T10:00:00Z", "start": 1, "steps": 7}]`: "events[0].steps: must be a list, not 7",
		step(`{"at": "2026-03-03T10:00:00Z", "in_use": 1}`):                                                                     "events[0].steps[0].at: is outside of the time from 2026-03-03T09:00:00Z to 2026-03-03T10:00:00Z",
		step(`{"at": "2026-03-03T09:30:00Z"}`):                                                                                  "events[0].steps[0].in_use: is missing",
		step(`{"at": "2026-03-03T09:30:00Z", "in_use": 2, "high": 1}`):                                                          "events[0].steps[0].in_use: 2 is more than high, which is 1",
		step(`{"at": "2026-03-03T09:30:00Z", "in_use": 2}, {"at": "2026-03-03T09:29:00Z", "in_use": 2}`):                        "events[0].steps[1].at: is before the step before it",
		step(`[]`):    "events[0].steps[0]: must be an object, not a list",
		`"colour": 1`: "colour: version 1 has no such field",
		`"holders": [{"feature": "GOOD", "login": 1}]`:                  "holders[0].login: version 1 has no such field",
		`"server": {"os": "linux"}`:                                     "server.os: version 1 has no such field",
		step(`{"at": "2026-03-03T09:30:00Z", "in_use": 2, "inuse": 3}`): "events[0].steps[0].inuse: version 1 has no such field",
	} {
		d := parse(t, doc(`"pools": [{"feature": "GOOD", "in_use": 1}], `+field))
		if len(d.Output.Servers) != 1 || !cmp.Equal(d.Output.Servers[0].Snapshot.Readings, []license.Reading{good}) {
			t.Errorf("%s: error %q, servers %+v", field, d.Output.Error, d.Output.Servers)
			continue
		}
		if diff := cmp.Diff([]facts.Unread{{Line: 1, Text: want}}, d.Output.Unread.First); diff != "" {
			t.Errorf("%s: unread (-want +got):\n%s", field, diff)
		}
	}
}

// step is an event with these steps.
func step(steps string) string {
	return `"events": [{"feature": "GOOD", "from": "2026-03-03T09:00:00Z", "to": "2026-03-03T10:00:00Z", "start": 1, "steps": [` + steps + `]}]`
}

func TestPoolWithoutANameMakesTheRestIncomplete(t *testing.T) {
	d := parse(t, doc(`"pools": [{"feature": "GOOD"}, {"in_use": 3}, 7]`))
	s := d.Output.Servers[0].Snapshot
	if s.Complete || len(s.Readings) != 1 || d.Output.Unread.Total != 2 {
		t.Errorf("complete %v, %d pools, %d unread, want false, 1, 2", s.Complete, len(s.Readings), d.Output.Unread.Total)
	}
}

func TestPoolsOfOneNameAreAdded(t *testing.T) {
	d := parse(t, doc(`"pools": [{"feature": "A", "installed": 2, "in_use": 1}, {"feature": "A", "installed": 3.0, "in_use": 2e0}]`))
	want := []license.Reading{{Pool: license.Pool{Feature: "A"}, State: license.StateCounted, Installed: license.Of(5), InUse: license.Of(3)}}
	if diff := cmp.Diff(want, d.Output.Servers[0].Snapshot.Readings); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
}

func TestStepsOfOneSecondAreOne(t *testing.T) {
	d := parse(t, doc(step(`{"at": "2026-03-03T09:30:00.1Z", "in_use": 5}, {"at": "2026-03-03T09:30:00.2Z", "in_use": 2}`)))
	at := time.Date(2026, 3, 3, 9, 30, 0, 0, time.UTC)
	if diff := cmp.Diff([]facts.Step{{At: at, InUse: 2, High: 5}}, d.Uses[0].Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if len(d.Output.Servers) != 1 || !d.Output.Servers[0].Snapshot.At.IsZero() {
		t.Errorf("a document of events alone says %+v", d.Output)
	}
}

func TestHugeTotalIsNoLimit(t *testing.T) {
	d := parse(t, doc(`"pools": [{"feature": "A", "installed": 2147483646, "in_use": 1}]`))
	want := []license.Reading{{Pool: license.Pool{Feature: "A"}, State: license.StateUnlimited, InUse: license.Of(1)}}
	if diff := cmp.Diff(want, d.Output.Servers[0].Snapshot.Readings); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
}

func TestEncodingsAreTold(t *testing.T) {
	text := doc(`"pools": [{"feature": "Größe", "in_use": 1}]`)
	var wide []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	latin1 := strings.NewReplacer("ö", "\xf6", "ß", "\xdf").Replace(text)
	for _, b := range []string{text, "\ufeff" + text, string(wide), latin1} {
		d := parse(t, b)
		if d.Output.Error != "" || d.Output.Servers[0].Snapshot.Readings[0].Pool.Feature != "Größe" {
			t.Errorf("%.20q: %+v", b, d.Output)
		}
	}
}

func TestReaderThatFailsIsAnError(t *testing.T) {
	broken := errors.New("broken pipe")
	if _, err := generic.Parse(iotest.ErrReader(broken), facts.Options{}); !errors.Is(err, broken) {
		t.Errorf("Parse: %v, want %v", err, broken)
	}
}

func FuzzParse(f *testing.F) {
	for _, e := range examples(f) {
		f.Add(e)
	}
	f.Add(doc(`"pools": [{"feature": "A", "in_use": -1}, 7], "holders": [null], "colour": {"a": [1]}`))
	f.Fuzz(func(t *testing.T, in string) {
		d := parse(t, in)
		if (d.Output.Error == "") == (len(d.Output.Servers) == 0) {
			t.Fatalf("error %q with %d servers", d.Output.Error, len(d.Output.Servers))
		}
		if d.Output.Error == "" && !json.Valid([]byte(strings.TrimPrefix(in, "\ufeff"))) && !strings.HasPrefix(in, "\xff\xfe") && !strings.HasPrefix(in, "\xfe\xff") {
			t.Fatal("what is no JSON was read")
		}
		pools := map[license.Pool]bool{}
		for _, s := range d.Output.Servers {
			for _, r := range s.Snapshot.Readings {
				if pools[r.Pool] || r.Pool.Feature == "" || r.InUse.N < 0 || r.Installed.N < 0 || r.Installed.Known && r.State != license.StateCounted {
					t.Fatalf("reading %+v", r)
				}
				pools[r.Pool] = true
			}
		}
		for _, u := range d.Uses {
			if !u.To.After(u.From) {
				t.Fatalf("use %+v", u)
			}
			last := u.From.Add(-time.Second)
			for _, s := range u.Steps {
				if !s.At.After(last) || !s.At.Before(u.To) || s.High < s.InUse || s.InUse < 0 {
					t.Fatalf("step %+v after %v", s, last)
				}
				last = s.At
			}
		}
	})
}
