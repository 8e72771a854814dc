package registration_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/fault"
	"headroom/internal/hub/registration"
)

func TestAPlaceIsReadFromWhatPeopleWrite(t *testing.T) {
	for _, c := range []struct {
		site, tags string
		want       registration.Place
		said       string
	}{
		{"", "", registration.Place{}, "no site; no tags"},
		{" New   York ", "cad, ,test,cad", registration.Place{Site: "New York", Tags: []string{"cad", "test"}}, "site New York; tags cad, test"},
		{"Hamburg", "b,a", registration.Place{Site: "Hamburg", Tags: []string{"a", "b"}}, "site Hamburg; tags a, b"},
	} {
		got, err := registration.NewPlace(c.site, c.tags)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil || got.String() != c.said {
			t.Errorf("NewPlace(%q, %q): %v, %q, want %q\n%s", c.site, c.tags, err, got, c.said, diff)
		}
	}
	for site, tags := range map[string]string{
		strings.Repeat("x", 81): "", "a": strings.Repeat("y", 41), "b": "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u", "c\x00": "", "d": "\x1b",
	} {
		if _, err := registration.NewPlace(site, tags); fault.KindOf(err) != fault.Invalid {
			t.Errorf("NewPlace(%q, %q): %v, want a fault.Invalid", site, tags, err)
		}
	}
}
