package sentinel_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/sentinel"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

const (
	ldkFeature = `{"ndx":"1","ven":"37515","fid":"12","fn":"f","logc":"3","logl":"10","lic":"Perpetual"}` + "\n"
	ldkFoot    = `{"fhaspid":"0","cnt":"1"}` + "\n/*\n<admin_status>\n <code>0</code>\n <text>SNTL_ADMIN_STATUS_OK</text>\n</admin_status>\n*/\n"
)

func parseLDK(t testing.TB, in string) facts.Output {
	t.Helper()
	out, err := sentinel.ParseLDK(strings.NewReader(in), facts.Options{Zone: berlin(t)})
	if err != nil {
		t.Fatalf("ParseLDK: %v", err)
	}
	return out
}

func TestLDKGolden(t *testing.T) {
	for path, in := range fixtures(t, "testdata/ldk/*.txt") {
		out, err := sentinel.ParseLDK(bytes.NewReader(in), facts.Options{Zone: berlin(t)})
		if err != nil {
			t.Fatalf("ParseLDK: %v", err)
		}
		formattest.Golden(t, path, out)
	}
}

func TestCountsOfLDK(t *testing.T) {
	for in, want := range map[string]string{
		`"logc":"3","logl":"10"`:         "f counted 3/10",
		`"logc":3,"logl":10`:             "f counted 3/10",
		`"logc":"0","logl":"-1"`:         "f unlimited 0/unknown",
		`"logc":"0","logl":"∞"`:          "f unlimited 0/unknown",
		`"logc":"2","logl":"Unlimited"`:  "f unlimited 2/unknown",
		`"logc":"2","logl":"4294967295"`: "f unlimited 2/unknown",
		`"logc":"2","logl":""`:           "f unknown unknown/unknown",
		`"logc":"2"`:                     "f unknown unknown/unknown",
		`"logc":"2","logl":[1]`:          "f unknown unknown/unknown",
		`"logc":"some","logl":"1"`:       "f counted unknown/1",
		`"logc":null,"logl":"1"`:         "f counted unknown/1",
	} {
		out := parseLDK(t, strings.Replace(ldkFeature, `"logc":"3","logl":"10"`, in, 1)+ldkFoot)
		if got := rows(out); !slices.Equal(got, []string{want}) || out.Unread.Total != 0 {
			t.Errorf("%s: %q, unread %v; want %q", in, got, out.Unread.First, want)
		}
		if r := out.Servers[0].Snapshot.Readings[0]; r.State == license.StateUnknown && r.Reason == "" {
			t.Errorf("%s: no reason", in)
		}
	}
}

func TestRowsOfLDKAreAddedAndVendorsKeptApart(t *testing.T) {
	second := strings.Replace(ldkFeature, `"37515"`, `"40094"`, 1)
	for in, want := range map[string][]string{
		ldkFeature + ldkFeature: {"f counted 6/20"},
		ldkFeature + second:     {"f@37515 counted 3/10", "f@40094 counted 3/10"},
		ldkFeature + strings.Replace(ldkFeature, `"fn":"f"`, `"fn":""`, 1):            {"f counted 3/10", "12 counted 3/10"},
		strings.Replace(ldkFeature, `"fn":"f"`, `"fn":"&lt;a&gt; &amp; b"`, 1):        {"<a> & b counted 3/10"},
		strings.Replace(ldkFeature, `"fn":"f"`, `"fn":"a } \" { b"`, 1) + ldkFeature:  {`a } " { b counted 3/10`, "f counted 3/10"},
		strings.ReplaceAll(ldkFeature, ",", ",\r\n\t") + "\r\n" + "// " + ldkFeature:  {"f counted 6/20"},
		"[" + strings.TrimSpace(ldkFeature) + "," + strings.TrimSpace(second) + "]\n": {"f@37515 counted 3/10", "f@40094 counted 3/10"},
	} {
		out := parseLDK(t, in)
		if got := rows(out); !slices.Equal(got, want) || out.Unread.Total != 0 {
			t.Errorf("%s:\n got %q, unread %v\nwant %q", in, got, out.Unread.First, want)
		}
	}
}

func TestOnePageOfSeveralIsNotComplete(t *testing.T) {
	for in, want := range map[string]bool{
		ldkFeature + ldkFoot: true,
		ldkFeature + strings.Replace(ldkFoot, `"1"`, `"2"`, 1):              false,
		ldkFeature + ldkFeature + strings.Replace(ldkFoot, `"1"`, `"2"`, 1): true,
		ldkFeature: false,
		"/*JSON:features*/\n{\"ndx\":\n" + ldkFeature + ldkFoot:                                                                               false,
		ldkFeature + ldkFoot + `{"sid":"1","fid":"12","fn":"f","ven":"37515","usr":"ann"}` + "\n" + strings.Replace(ldkFoot, `"1"`, `"9"`, 1): true,
	} {
		out := parseLDK(t, in)
		if got := out.Servers[0].Snapshot.Complete; got != want {
			t.Errorf("%s: complete %t, want %t", in, got, want)
		}
	}
}

func TestAnswersOfLDKWithoutFeaturesAreErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":      "the answer has no features",
		ldkFoot: "the answer has no features",
		"<html><head><title>401</title></head><body>{color:red}</body></html>":                                  "the answer has no features",
		"/*\n<admin_status>\n<code>6001</code>\n<text>SNTL_ADMIN_INVALID_CONTEXT</text>\n</admin_status>\n*/\n": "SNTL_ADMIN_INVALID_CONTEXT",
		"/* <code>6001</code> */": "the Admin Control Center says code 6001",
		ldkFeature + "/*\n<admin_status>\n<code>7</code>\n<text>NOT_ALL</text>\n</admin_status>\n*/": "NOT_ALL",
	} {
		out := parseLDK(t, in)
		if len(out.Servers) != 0 || out.Error != want {
			t.Errorf("%q: %d servers, error %q; want %q", in, len(out.Servers), out.Error, want)
		}
	}
}

func TestSessionsOfLDK(t *testing.T) {
	session := func(more string) string {
		return ldkFeature + ldkFoot + `{"sid":"A","vendorid":"37515","fid":"12","fn":"f","usr":"ann"` + more + "}\n"
	}
	for in, want := range map[string]license.Holder{
		``:                                  {Licenses: 1},
		`,"mch":"pc1","cli":"10.0.0.1"`:     {Host: "pc1", Licenses: 1},
		`,"cli":"10.0.0.1"`:                 {Host: "10.0.0.1", Licenses: 1},
		`,"mch":"","cli":"x"`:               {Host: "x", Licenses: 1},
		`,"mch":"b&uuml;ro &lt;"`:           {Host: "büro <", Licenses: 1},
		`,"seats":"4"`:                      {Licenses: 4},
		`,"seats":0`:                        {Licenses: 1},
		`,"seats":"many"`:                   {Licenses: 1},
		`,"lt":"Mon Mar 2, 2026 08:02"`:     {Licenses: 1, Since: time.Date(2026, time.March, 2, 7, 2, 0, 0, time.UTC)},
		`,"lt":"Mon Mar  2, 2026 08:02:30"`: {Licenses: 1, Since: time.Date(2026, time.March, 2, 7, 2, 30, 0, time.UTC)},
		`,"lt":"Mon Mar 42, 2026 08:02"`:    {Licenses: 1},
		`,"lt":"yesterday"`:                 {Licenses: 1},
	} {
		want.Pool, want.User, want.Kind, want.Handle = license.Pool{Feature: "f"}, "ann", license.HolderActive, "A"
		out := parseLDK(t, session(in))
		if got := out.Servers[0].Snapshot.Holders; len(got) != 1 || got[0] != want || out.Unread.Total != 0 {
			t.Errorf("%s: %+v, unread %v; want %+v", in, got, out.Unread.First, want)
		}
	}
}

func TestObjectsOfLDKThatAreNotUnderstoodAreUnread(t *testing.T) {
	for _, in := range []string{
		`{"what":"else"}`, `{"fid":"12"}`, `{broken}`, `{"fid":"12","logc":"1"`, `{}`,
		`{"sid":"A","fid":"13","usr":"ann"}`, `{"sid":"A","fid":"12","fn":"f","mch":"pc1"}`, `{"a":1}{"b":1}`, `{"fid":"` + strings.Repeat("x", 200_000) + `"}`,
	} {
		out := parseLDK(t, ldkFeature+in+"\n"+ldkFeature)
		if out.Unread.Total != 1 || out.Unread.First[0].Line != 2 {
			t.Errorf("%.80s: unread %v, want line 2", in, out.Unread.First)
		}
		if got := rows(out); !slices.Equal(got, []string{"f counted 6/20"}) {
			t.Errorf("%.80s: %q", in, got)
		}
	}
}

func TestErrorsOfTheReaderOfLDK(t *testing.T) {
	broken := errors.New("broken")
	out, err := sentinel.ParseLDK(io.MultiReader(strings.NewReader(ldkFeature+ldkFoot), iotest.ErrReader(broken)), facts.Options{})
	if !errors.Is(err, broken) || len(out.Servers) != 1 || out.Servers[0].Snapshot.Complete {
		t.Errorf("error %v, %+v; want %v and a status that is not complete", err, out, broken)
	}
	if _, err := sentinel.ParseLDK(strings.NewReader(""), facts.Options{CodePage: "latin-99"}); err == nil {
		t.Error("no error for a code page that does not exist")
	}
}

// The work that an answer makes grows with its length only.
func TestHostileAnswersOfLDKAreCheap(t *testing.T) {
	for name, in := range map[string]string{
		"open objects":  strings.Repeat("{\n", 1<<20),
		"open comments": strings.Repeat("/*", 1<<20),
		"nesting":       strings.Repeat("{\"a\":", 1<<18) + strings.Repeat("}", 1<<18),
		"lists":         `{"fid":` + strings.Repeat("[", 1<<20),
		"code":          "/*" + strings.Repeat("<code>", 1<<18) + "*/",
	} {
		start := time.Now()
		out := parseLDK(t, in)
		if len(out.Servers) != 0 || out.Error == "" {
			t.Errorf("%s: %d servers, error %q", name, len(out.Servers), out.Error)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestManyFeaturesOfLDK(t *testing.T) {
	var b strings.Builder
	const n = 20_000
	for i := range n {
		fmt.Fprintf(&b, `{"ven":"1","fid":"%d","logc":"1","logl":"2"}`+"\n", i)
	}
	fmt.Fprintf(&b, `{"fhaspid":"0","cnt":"%d"}`, n)
	out := parseLDK(t, b.String())
	if s := out.Servers[0].Snapshot; len(s.Readings) != n || !s.Complete {
		t.Errorf("%d readings, complete %t; want %d", len(s.Readings), s.Complete, n)
	}
}

func FuzzLDK(f *testing.F) {
	for _, in := range fixtures(f, "testdata/ldk/*.txt") {
		f.Add(in)
	}
	f.Add([]byte(ldkFeature + ldkFoot))
	f.Add([]byte(`{"fid":1,"logl":"-1"}{"sid":"1","fid":1}{"fhaspid":0,"cnt":1}/*<code>1</code>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := sentinel.ParseLDK(bytes.NewReader(in), facts.Options{})
		checkFuzzedOutput(t, out, err)
	})
}
