package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
)

// Settings are what an organisation has set.
type Settings struct {
	Name           string `json:"name" minLength:"1" maxLength:"100" doc:"License servers show it before they join."`
	Zone           string `json:"zone" minLength:"1" maxLength:"64" doc:"IANA name. Its calendar decides days and months."`
	ReportingHours *int   `json:"reporting_hours" minimum:"1" maximum:"8784" doc:"Not Reporting after; null: 72."`
	ListedHours    *int   `json:"listed_hours" minimum:"1" maximum:"8784" doc:"Silent, and out of the list, after; null: 720."`
	AwaitedHours   *int   `json:"awaited_hours" minimum:"1" maximum:"8784" doc:"First upload due within; null: 24."`
	KeepDays       *int   `json:"keep_days" minimum:"62" maximum:"36525" doc:"For so many days usage data are kept; null: for ever. What is older is removed for good. To keep them for less time takes a token that may delete usage data."`
}

func newSettings(s account.Settings) Settings {
	return Settings{s.Name, s.Zone, hours(s.Reporting), hours(s.Listed), hours(s.Awaited), days(s.KeepDays)}
}

// hours are null where the default counts.
func hours(d time.Duration) *int {
	if d == 0 {
		return nil
	}
	n := int(d.Hours())
	return &n
}

// days are null for ever.
func days(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// settings are what a client has sent.
func (s Settings) settings() account.Settings {
	length := func(hours *int) time.Duration {
		if hours == nil {
			return 0
		}
		return time.Duration(*hours) * time.Hour
	}
	out := account.Settings{Name: s.Name, Zone: s.Zone, Reporting: length(s.ReportingHours), Listed: length(s.ListedHours), Awaited: length(s.AwaitedHours)}
	if s.KeepDays != nil {
		out.KeepDays = *s.KeepDays
	}
	return out
}

// taggedSettings are settings with the tag that If-Match wants.
type taggedSettings struct {
	ETag string `header:"ETag"`
	Body Settings
}

func newTaggedSettings(s account.Settings) (*taggedSettings, error) {
	out := newSettings(s)
	content, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return &taggedSettings{tagOf(content), out}, nil
}

func (s *Server) settings(ctx context.Context, _ *nothing) (*taggedSettings, error) {
	o, err := s.Accounts.Organisation(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return newTaggedSettings(o.Settings())
}

type settingsInput struct {
	Match string `header:"If-Match" doc:"The ETag of the settings as they were read."`
	Body  Settings
}

// changeSettings changes all settings at once. With If-Match they are changed from what
// the client has read only, also where somebody changes them in the same moment.
func (s *Server) changeSettings(ctx context.Context, in *settingsInput) (*taggedSettings, error) {
	c, to := callerOf(ctx), in.Body.settings()
	o, err := s.Accounts.Organisation(ctx, c.Org)
	if err != nil {
		return nil, err
	}
	was := o.Settings()
	if in.Match != "" {
		now, err := newTaggedSettings(was)
		if err != nil {
			return nil, err
		}
		if !matches(in.Match, now.ETag) {
			return nil, errStale
		}
	}
	if to.Removes(was) && !s.Now().Before(c.Erases) {
		return nil, fault.Errorf(fault.Forbidden, "to keep usage data for less time removes some for good: that takes a token that may delete")
	}
	err = s.Accounts.Change(ctx, c.actor(), &was, to)
	if in.Match != "" && err != nil && fault.KindOf(err) == fault.Conflict {
		return nil, errStale
	}
	if err != nil {
		return nil, err
	}
	return s.settings(ctx, nil)
}

var errStale = huma.NewError(http.StatusPreconditionFailed, "somebody else has changed the settings since they were read; read them again")
