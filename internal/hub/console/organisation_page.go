package console

import (
	"cmp"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/erasure"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// An organisationPage is what an organisation can set.
type organisationPage struct {
	Tabs                       []settingsTab
	PublicID                   string
	Error                      string
	Name, Zone                 look.Field
	Reporting, Listed, Awaited look.Field
	Keep, Secret               look.Field
	Code                       *look.Field   // nil: he has no second factor
	Trimmed                    template.HTML // what is older was removed; empty: nothing was
	Rule                       []string      // as it is now
}

// thresholds are those that decide about the organisation's license servers.
func (v visit) thresholds() usage.Thresholds {
	return usage.Thresholds{
		Reporting: cmp.Or(v.org.Reporting, usage.DefaultThresholds.Reporting),
		Listed:    cmp.Or(v.org.Listed, usage.DefaultThresholds.Listed),
		Awaited:   cmp.Or(v.org.Awaited, usage.DefaultThresholds.Awaited),
	}
}

func (c *Console) getOrganisation(w http.ResponseWriter, r *http.Request, v visit) error {
	return c.showOrganisation(w, r, v, http.StatusOK, organisationForm(v.org), "")
}

// An organisationForm's texts are what somebody typed.
type organisationTexts struct{ name, zone, reporting, listed, awaited, keep string }

func organisationForm(o account.Organisation) organisationTexts {
	return organisationTexts{o.Name, o.Zone, hoursText(o.Reporting), hoursText(o.Listed), hoursText(o.Awaited), daysText(o.KeepDays)}
}

// hoursText is a threshold in hours; empty for the default.
func hoursText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.Itoa(int(d.Hours()))
}

// daysText is for how long usage data are kept; empty for ever.
func daysText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (c *Console) showOrganisation(w http.ResponseWriter, r *http.Request, v visit, status int, typed organisationTexts, problem string) error {
	return show(c, w, r, v, look.Shell{Title: "Organisation", Section: "settings"}, c.pages.organisation, status,
		newOrganisationPage(v, typed, problem))
}

func newOrganisationPage(v visit, typed organisationTexts, problem string) organisationPage {
	hours := func(name, label, value string, standard time.Duration) look.Field {
		return look.Field{
			Name: name, Label: label, Value: value, Type: "number", Optional: true, Complete: "off",
			Hint: "In hours. Empty: " + strconv.Itoa(int(standard.Hours())) + ".",
		}
	}
	t := usage.DefaultThresholds
	p := organisationPage{
		Tabs: settingsTabs(v.member.Role, "/settings/organisation"), PublicID: v.org.PublicID, Error: problem, Rule: statusRule(v.thresholds()),
		Name: look.Field{Name: "name", Label: "Name", Value: typed.name, Max: 100, Complete: "off", Hint: "License servers show it before they join."},
		Zone: look.Field{
			Name: "zone", Label: "Time zone", Value: typed.zone, Max: 64, Complete: "off", Zone: true,
			Hint: "Its calendar decides days and months. All history is computed anew with another one.",
		},
		Reporting: hours("reporting", "Not Reporting after", typed.reporting, t.Reporting),
		Listed:    hours("listed", "Silent, and out of the list, after", typed.listed, t.Listed),
		Awaited:   hours("awaited", "First upload due within", typed.awaited, t.Awaited),
		Keep: look.Field{
			Name: "keep", Label: "Usage data are kept for", Value: typed.keep, Type: "number", Optional: true, Complete: "off",
			Hint: "In days, " + strconv.Itoa(account.MinKeepDays) + " or more. Empty: for ever. What is older is removed for good, and not taken any more where it comes late or is imported.",
		},
		Secret: look.Field{
			Name: "password", Label: "Your password", Type: "password", Complete: "current-password", Optional: true,
			Hint: "Only to keep usage data for less time, and if you signed in more than " + look.Length(erasure.Fresh) + " ago.",
		},
	}
	p.Code = codeField(v)
	if !v.org.Trimmed.IsZero() {
		p.Trimmed = template.HTML(v.org.Trimmed.Format(time.DateOnly))
	}
	return p
}

func (c *Console) postOrganisation(w http.ResponseWriter, r *http.Request, v visit) error {
	typed := organisationTexts{
		name: r.PostFormValue("name"), zone: strings.TrimSpace(r.PostFormValue("zone")),
		reporting: r.PostFormValue("reporting"), listed: r.PostFormValue("listed"), awaited: r.PostFormValue("awaited"), keep: r.PostFormValue("keep"),
	}
	to, err := typed.settings()
	was := v.org.Settings()
	if err == nil && to.Removes(was) {
		err = c.proveFor(r, v, "nothing was changed")
	}
	if err == nil {
		err = c.Accounts.Change(r.Context(), v.actor(), &was, to)
	}
	if kind := fault.KindOf(err); err != nil && (kind == fault.Invalid || kind == fault.TooMany) {
		retryAfter(w, err)
		return c.showOrganisation(w, r, v, http.StatusUnprocessableEntity, typed, look.Sentence(fault.Message(err)))
	}
	if err != nil {
		return err
	}
	c.tell(r, look.Good, "The settings are saved.")
	http.Redirect(w, r, "/settings/organisation", http.StatusSeeOther)
	return nil
}

// settings reads what somebody typed.
func (t organisationTexts) settings() (s account.Settings, err error) {
	s.Name, s.Zone = t.name, t.zone
	for _, f := range []struct {
		text string
		into *time.Duration
	}{{t.reporting, &s.Reporting}, {t.listed, &s.Listed}, {t.awaited, &s.Awaited}} {
		text := strings.TrimSpace(f.text)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10_000 {
			return s, fault.Errorf(fault.Invalid, "%.20q is not a number of hours from 1 to 8784", f.text)
		}
		*f.into = time.Duration(n) * time.Hour
	}
	if text := strings.TrimSpace(t.keep); text != "" {
		if s.KeepDays, err = strconv.Atoi(text); err != nil || s.KeepDays < 1 {
			return s, fault.Errorf(fault.Invalid, "%.20q is not a number of days", t.keep)
		}
	}
	return s, nil
}
