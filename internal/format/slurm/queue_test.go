package slurm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/slurm"
	"headroom/internal/license"
)

func queue(t *testing.T, text string, zone *time.Location) slurm.Queue {
	t.Helper()
	q, err := slurm.ParseQueue(strings.NewReader(text), facts.Options{Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func job(fields ...string) string { return strings.Join(fields, "\t") + "\n" }

func TestJobsHoldLicensesOrWaitForThem(t *testing.T) {
	const start, submit = "2026-03-03T09:15:42", "2026-03-03T08:00:00"
	zone := time.FixedZone("", 60*60)
	q := queue(t, job("7", "mira", "mesher:2,solver@lic1", "RUNNING", "None", "n1", start, submit)+
		job("8_3", "tomas", "mesher*4", "SUSPENDED", "None", "n2", start, submit)+
		job("9", "tomas", "mesher:8", "COMPLETING", "None", "n2", start, submit)+
		job("10", "mira", "mesher:1;solver@lic1:2", "PENDING", "Licenses", "n/a", "N/A", submit)+
		job("11", "mira", "mesher:1", "PENDING", "JobHeldUser", "n/a", "N/A", submit)+
		job("12", "mira", "(null)", "RUNNING", "None", "n1", start, submit)+
		job("13", "mira", "mesher:1", "COMPLETED", "None", "n1", start, submit), zone)
	since, waiting := time.Date(2026, 3, 3, 8, 15, 42, 0, time.UTC), time.Date(2026, 3, 3, 7, 0, 0, 0, time.UTC)
	mesher, solver := license.Pool{Feature: "mesher"}, license.Pool{Feature: "solver@lic1"}
	want := []license.Holder{
		{Pool: mesher, User: "mira", Host: "n1", Licenses: 2, Since: since, Kind: license.HolderActive, Handle: "7"},
		{Pool: solver, User: "mira", Host: "n1", Licenses: 1, Since: since, Kind: license.HolderActive, Handle: "7"},
		{Pool: mesher, User: "tomas", Host: "n2", Licenses: 4, Since: since, Kind: license.HolderActive, Handle: "8_3"},
		{Pool: mesher, User: "tomas", Host: "n2", Licenses: 8, Since: since, Kind: license.HolderActive, Handle: "9"},
		{Pool: mesher, User: "mira", Licenses: 1, Since: waiting, Kind: license.HolderQueued, Handle: "10"},
		{Pool: solver, User: "mira", Licenses: 2, Since: waiting, Kind: license.HolderQueued, Handle: "10"},
	}
	if diff := cmp.Diff(want, q.Holders); diff != "" {
		t.Errorf("holders (-want +got):\n%s", diff)
	}
	if q.Unread.Total != 0 || q.Lines != 7 {
		t.Errorf("%d of %d lines unread, want none of 7", q.Unread.Total, q.Lines)
	}
}

func TestJobThatIsNotUnderstoodCostsOnlyItself(t *testing.T) {
	good := job("7", "mira", "mesher:2", "RUNNING", "None", "n1", "2026-03-03T09:15:42", "2026-03-03T09:00:00")
	for _, odd := range []string{
		"slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n",
		job("7", "mira"),
		job("8", "mira", "a|b", "RUNNING", "None", "n1", "N/A", "N/A"),
		job("8", "mira", "mesher:two", "RUNNING", "None", "n1", "N/A", "N/A"),
		job("8", "mira", "mesher:0", "RUNNING", "None", "n1", "N/A", "N/A"),
		job("8", "mira", ":3", "RUNNING", "None", "n1", "N/A", "N/A"),
		job("8", "mira", ",", "RUNNING", "None", "n1", "N/A", "N/A"),
	} {
		q := queue(t, odd+good, nil)
		if len(q.Holders) != 1 || q.Unread.Total != 1 || q.Unread.First[0].Line != 1 {
			t.Errorf("%q: %d holders, unread %+v, want one holder and line 1", odd, len(q.Holders), q.Unread)
		}
	}
}

func TestWaitingTasksOfAnArrayAreCounted(t *testing.T) {
	for id, want := range map[string]int64{
		"7": 2, "7_3": 2, "7_[3]": 2, "7_[2-3]": 4, "7_[1-100000]": 200_000, "7_[1,5,8-10]": 10, "7_[0-10:5%2]": 6, "7_[1-4%1]": 8, "7+1": 2,
	} {
		q := queue(t, job(id, "mira", "mesher:2", "PENDING", "Licenses", "n/a", "N/A", "N/A"), nil)
		if len(q.Holders) != 1 || q.Holders[0].Licenses != want || q.Holders[0].Handle != id {
			t.Errorf("%s: holders %+v, want one that waits for %d", id, q.Holders, want)
		}
	}
	for _, id := range []string{"7_[", "7_[]", "7_[1-]", "7_[3-1]", "7_[1-3", "7_[1,...]", "7_[1-9:0]", "7_[-1]", "7_[1-99999999999]"} {
		if q := queue(t, job(id, "mira", "mesher:2", "PENDING", "Licenses", "n/a", "N/A", "N/A"), nil); len(q.Holders) != 0 || q.Unread.Total != 1 {
			t.Errorf("%s: holders %+v, want none and an unread line", id, q.Holders)
		}
	}
}

func TestEmptyQueueIsNobody(t *testing.T) {
	if q := queue(t, "", nil); len(q.Holders) != 0 || q.Unread.Total != 0 {
		t.Errorf("an empty queue says %+v", q)
	}
}

func FuzzQueue(f *testing.F) {
	f.Add("7_[1-3,9%2]\tmira\ta\tPENDING\tLicenses\tn/a\tN/A\tN/A\n")
	f.Add("7\tmira\ta:2,b@s;c*3\tRUNNING\tNone\tn1\t2026-03-03T09:15:42\tN/A\n8\tmira\ta|b\tPENDING\tLicenses\tn/a\tN/A\tN/A\n")
	f.Fuzz(func(t *testing.T, in string) {
		q, err := slurm.ParseQueue(strings.NewReader(in), facts.Options{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		for _, h := range q.Holders {
			if h.Pool.Feature == "" || h.Licenses < 1 || h.Kind == "" {
				t.Fatalf("holder %+v", h)
			}
		}
	})
}
