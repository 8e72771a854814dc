package console

import "headroom/internal/hub/account"

// A settingsTab is a page of the settings.
type settingsTab struct {
	Label, Href string
	Current     bool
}

// settingsTabs lists the pages of the settings that a role may open.
func settingsTabs(role account.Role, current string) (tabs []settingsTab) {
	for _, t := range []struct {
		label, href string
		least       account.Role
	}{
		{"Your account", "/settings", account.Viewer},
		{"Organisation", "/settings/organisation", account.Admin},
		{"Members", "/settings/members", account.Admin},
		{"Sign-in", "/settings/signin", account.Admin},
		{"Catalog", "/settings/catalog", account.Admin},
		{"API tokens", "/settings/tokens", account.Admin},
	} {
		if role.May(t.least) {
			tabs = append(tabs, settingsTab{t.label, t.href, t.href == current})
		}
	}
	return tabs
}
