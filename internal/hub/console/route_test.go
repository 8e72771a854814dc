package console

import (
	"testing"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
)

// leasts says who may open each address. A new one needs a line here.
var leasts = map[string]account.Role{
	"GET /setup/{token}":    "",
	"POST /setup/{token}":   "",
	"GET /login":            "",
	"POST /login":           "",
	"POST /logout":          "",
	"GET /login/code":       "",
	"POST /login/code":      "",
	"GET /login/with":       "",
	"GET /login/with/{org}": "",
	"GET /login/callback":   "",
	"/":                     "",

	"GET /{$}":                            account.Viewer,
	"GET /usage/{product}":                account.Viewer,
	"GET /usage/{product}/trend.csv":      account.Viewer,
	"GET /usage/{product}/trend.xlsx":     account.Viewer,
	"GET /usage/{product}/at":             account.Viewer,
	"GET /usage/{product}/week":           account.Viewer,
	"GET /usage/{product}/week.csv":       account.Viewer,
	"GET /usage/{product}/week.xlsx":      account.Viewer,
	"GET /usage/{product}/servers.csv":    account.Viewer,
	"GET /usage/{product}/servers.xlsx":   account.Viewer,
	"GET /usage/{product}/activity.csv":   account.Viewer,
	"GET /usage/{product}/activity.xlsx":  account.Viewer,
	"GET /servers":                        account.Viewer,
	"GET /registrations":                  account.Viewer,
	"GET /ui/kit":                         account.Viewer,
	"GET /usage/{product}/denials.csv":    account.Viewer,
	"GET /usage/{product}/denials.xlsx":   account.Viewer,
	"GET /usage/{product}/checkouts.csv":  account.Viewer,
	"GET /usage/{product}/checkouts.xlsx": account.Viewer,
	"GET /bench":                          account.Viewer,
	"POST /bench":                         account.Viewer,
	"POST /bench/redacted":                account.Viewer,

	"GET /registrations/register":                account.Operator,
	"POST /registrations/review":                 account.Operator,
	"POST /registrations/approve":                account.Operator,
	"POST /registrations/refuse":                 account.Operator,
	"POST /registrations/{id}/withdraw":          account.Operator,
	"POST /registrations/servers/{guid}/approve": account.Operator,
	"POST /servers/{guid}/update":                account.Operator,

	"POST /registrations/agents/{agent}/remove": account.Admin,

	"POST /servers/{guid}/acknowledge": account.Admin,
	"GET /servers/{guid}":              account.Viewer,
	"POST /servers/{guid}/place":       account.Operator,

	"GET /servers/delete":  account.Admin,
	"POST /servers/delete": account.Admin,

	"GET /invite/{token}":  "",
	"POST /invite/{token}": "",

	"GET /settings":                            account.Viewer,
	"POST /settings/password":                  account.Viewer,
	"POST /settings/sessions/{id}/end":         account.Viewer,
	"GET /settings/factor":                     account.Viewer,
	"POST /settings/factor":                    account.Viewer,
	"POST /settings/factor/begin":              account.Viewer,
	"POST /settings/factor/recovery":           account.Viewer,
	"POST /settings/factor/remove":             account.Viewer,
	"GET /settings/signin":                     account.Admin,
	"POST /settings/signin/codes":              account.Admin,
	"POST /settings/signin/provider":           account.Admin,
	"POST /settings/signin/provider/remove":    account.Admin,
	"POST /settings/members/{id}/factor":       account.Admin,
	"GET /settings/organisation":               account.Admin,
	"POST /settings/organisation":              account.Admin,
	"GET /settings/members":                    account.Admin,
	"POST /settings/members/invite":            account.Admin,
	"POST /settings/members/{id}/role":         account.Admin,
	"POST /settings/members/{id}/remove":       account.Admin,
	"POST /settings/invitations/{id}/withdraw": account.Admin,

	"GET /settings/catalog":              account.Admin,
	"GET /settings/catalog/{key}":        account.Admin,
	"POST /settings/catalog/{key}":       account.Admin,
	"POST /settings/catalog/{key}/reset": account.Admin,
	"GET /settings/tokens":               account.Admin,
	"POST /settings/tokens":              account.Admin,
	"POST /settings/tokens/{id}/revoke":  account.Admin,

	"GET /audit":          account.Admin,
	"GET /audit/log.csv":  account.Admin,
	"GET /audit/log.xlsx": account.Admin,
}

func TestEveryRouteHasItsRole(t *testing.T) {
	routes := (&Console{}).routes()
	for _, r := range routes {
		least, ok := leasts[r.pattern]
		if !ok || least != r.least {
			t.Errorf("%s is open to %q, want %q", r.pattern, r.least, least)
		}
	}
	if len(routes) != len(leasts) {
		t.Errorf("%d routes, want %d", len(routes), len(leasts))
	}
}

func TestRolesMayDoWhatTheyMay(t *testing.T) {
	for _, c := range []struct {
		role, least account.Role
		want        fault.Kind
		ok          bool
	}{
		{account.Viewer, account.Viewer, 0, true},
		{account.Viewer, account.Operator, fault.Forbidden, false},
		{account.Operator, account.Admin, fault.Forbidden, false},
		{account.Admin, account.Operator, 0, true},
		{"", account.Viewer, fault.Forbidden, false},
	} {
		err := allowed(visit{member: account.Member{ID: 1, Role: c.role}}, c.least)
		if (err == nil) != c.ok || !c.ok && fault.KindOf(err) != c.want {
			t.Errorf("%q where %q is needed: %v, want allowed %v", c.role, c.least, err, c.ok)
		}
	}
	if err := allowed(visit{}, account.Viewer); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("nobody: %v, want a fault.Unauthorized", err)
	}
}

func TestVersionsCompareByNumber(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"11.15.0.0", "11.15.0.0", 0},
		{"11.9", "11.15.0.0", -1},
		{"11.17.2.0 build 51000", "11.15.0.0", 1},
		{"v11.14.0.1", "11.15.0.0", -1},
		{"11.15.0.0 build 3", "11.15.0.0", 0},
	} {
		if got := compareVersions(c.a, c.b); got != c.want {
			t.Errorf("compareVersions(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"lic-1": "lic-1", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "  =1": "'  =1",
		"\t=1": "' =1", "a\r\n=1": "a  =1", "\uff1d1": "'\uff1d1", "": "",
	} {
		if got := cellText(in); got != want {
			t.Errorf("cellText(%q) = %q, want %q", in, got, want)
		}
	}
}
