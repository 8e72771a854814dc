package sim

import (
	"encoding/json"
	"time"

	"headroom/internal/license"
)

// The JSON in which anything can say how licenses are used, as far as it is
// printed here.
type (
	genericUsage struct {
		Version int             `json:"headroom_usage"`
		At      time.Time       `json:"at,omitzero"`
		Error   string          `json:"error,omitempty"`
		Server  *genericServer  `json:"server,omitempty"`
		Pools   []genericPool   `json:"pools,omitempty"`
		Holders []genericHolder `json:"holders"`
		Denials []genericDenial `json:"denials,omitempty"`
	}
	genericServer struct {
		Hosts   []string `json:"hosts"`
		Port    int      `json:"port"`
		Manager string   `json:"manager"`
		Version string   `json:"version"`
	}
	genericPool struct {
		Feature   string        `json:"feature"`
		Variant   string        `json:"variant,omitempty"`
		Vendor    string        `json:"vendor"`
		Installed license.Count `json:"installed"`
		InUse     license.Count `json:"in_use"`
		Reserved  license.Count `json:"reserved"`
		Borrowed  license.Count `json:"borrowed"`
		Queued    license.Count `json:"queued"`
		Overdraft license.Count `json:"overdraft"`
	}
	genericHolder struct {
		Feature  string             `json:"feature"`
		Variant  string             `json:"variant,omitempty"`
		User     string             `json:"user"`
		Host     string             `json:"host,omitempty"`
		Licenses int64              `json:"licenses"`
		Since    time.Time          `json:"since,omitzero"`
		How      license.HolderKind `json:"how"`
	}
	genericDenial struct {
		Feature string    `json:"feature"`
		Variant string    `json:"variant,omitempty"`
		At      time.Time `json:"at"`
		User    string    `json:"user"`
		Host    string    `json:"host"`
		Reason  string    `json:"reason"`
		Count   int64     `json:"count"`
	}
)

// deniedBack is how long ago the refusals are that the script tells.
const deniedBack = 2 * time.Hour

// licenseUsage prints what a company's own script prints about a license
// manager for which there is no reader.
func (s *Server) licenseUsage(t time.Time, args []string) (string, error) {
	out := genericUsage{Version: 1}
	if s.Down(t) {
		out.Error = s.Name + " does not answer"
	} else {
		out.At = t.Truncate(time.Second).In(s.Zone)
		out.Server = &genericServer{[]string{s.Name}, s.Port, s.Daemon, s.Version}
		s.addGeneric(&out, t)
	}
	text, err := json.MarshalIndent(out, "", "  ")
	return string(text) + "\n", err
}

func (s *Server) addGeneric(out *genericUsage, t time.Time) {
	for i := range s.Features {
		f := &s.Features[i]
		r := s.reading(f, t, tells["generic"])
		out.Pools = append(out.Pools, genericPool{f.Name, f.Variant, s.Daemon, r.Installed, r.InUse, r.Reserved, r.Borrowed, r.Queued, r.Overdraft})
		if f.Reserved > 0 {
			out.Holders = append(out.Holders, genericHolder{Feature: f.Name, Variant: f.Variant, User: group, Licenses: f.Reserved, How: license.HolderReserved})
		}
	}
	s.each(t, func(f *Feature, c Checkout) {
		out.Holders = append(out.Holders, genericHolder{f.Name, f.Variant, c.User, c.Host, c.Licenses, c.Since.In(s.Zone), c.Kind})
	})
	for _, d := range s.Denials(t.Add(-deniedBack), t) {
		out.Denials = append(out.Denials, genericDenial{d.Pool.Feature, d.Pool.Variant, d.At.In(s.Zone), d.User, d.Host, d.Reason, d.Count})
	}
}
