package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/license"
	"headroom/internal/report"
)

const denials = start + ` 9:00:00 (acme) DENIED: "mill" ann@pc1  (Licensed number of users already reached. (-4,342))
 9:02:00 (acme) DENIED: "mill" Ann@pc1  (Licensed number of users already reached. (-4,342))
 9:04:00 (acme) OUT: "mill" ann@pc1  
 9:30:00 (acme) DENIED: "mill" ann@pc1  (Licensed number of users already reached. (-4,342))
10:00:00 (acme) UNSUPPORTED: "lathe" (PORT_AT_HOST_PLUS   ) ann@pc1  (License server system does not support this feature. (-18,327))
23:30:00 (acme) DENIED: "mill" ben@pc2  (User/host not on INCLUDE list for feature. (-39,147))
23:33:00 (acme) TIMESTAMP 3/2/2026
`

func TestDenialsAreTrueOrFalse(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Make([]report.Source{source("a.log", []byte(denials))}, report.Options{Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	row := func(user, reason string) report.Denials {
		return report.Denials{Day: "2026-03-02", Server: "lic01", Daemon: "acme", Feature: "mill", User: user, Reason: reason}
	}
	ann, ben := row("ann", "Licensed number of users already reached. (-4,342)"), row("ben", "User/host not on INCLUDE list for feature. (-39,147)")
	ann.True, ann.False, ann.Refusals = 1, 1, 3
	ben.Unknown, ben.Refusals = 1, 1 // the log ends three minutes later
	if diff := cmp.Diff([]report.Denials{ann, ben}, r.Denials); diff != "" {
		t.Errorf("denials (-want +got):\n%s", diff)
	}
	for _, f := range r.Features {
		if f.Feature == "mill" && (f.Denials != license.Of(3) || f.DenialsTrue != license.Of(1) || f.DenialsFalse != license.Of(1)) {
			t.Errorf("%d denials, %d true, %d false; want 3, 1, 1", f.Denials.N, f.DenialsTrue.N, f.DenialsFalse.N)
		}
	}
	var b bytes.Buffer
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DENIED ON", "ann", report.DenialRule} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, b.String())
		}
	}
}
