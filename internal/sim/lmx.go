package sim

import (
	"encoding/xml"
	"fmt"
	"time"

	"headroom/internal/license"
)

// The XML of lmxendutil -licstatxml, as far as it is printed here.
type (
	lmxStatus struct {
		XMLName xml.Name `xml:"LM-X"`
		Version string   `xml:"STAT_VERSION,attr"`
		Path    lmxPath  `xml:"LICENSE_PATH"`
	}
	lmxPath struct {
		Type     string       `xml:"TYPE,attr"`
		Host     string       `xml:"HOST,attr"`
		Version  string       `xml:"SERVER_VERSION,attr,omitempty"`
		Uptime   string       `xml:"UPTIME,attr,omitempty"`
		Status   string       `xml:"STATUS,attr"`
		Features []lmxFeature `xml:"FEATURE"`
	}
	lmxFeature struct {
		Name    string    `xml:"NAME,attr"`
		Version string    `xml:"VERSION,attr"`
		Vendor  string    `xml:"VENDOR,attr"`
		Start   string    `xml:"START,attr"`
		End     string    `xml:"END,attr"`
		Used    int64     `xml:"USED_LICENSES,attr"`
		Total   int64     `xml:"TOTAL_LICENSES,attr"`
		Denied  int64     `xml:"DENIED_LICENSES,attr"`
		Share   string    `xml:"SHARE,attr"`
		Users   []lmxUser `xml:"USER"`
	}
	lmxUser struct {
		Name     string `xml:"NAME,attr"`
		Host     string `xml:"HOST,attr"`
		IP       string `xml:"IP,attr"`
		Used     int64  `xml:"USED_LICENSES,attr"`
		Login    string `xml:"LOGIN_TIME,attr"`
		Checkout string `xml:"CHECKOUT_TIME,attr"`
		Borrowed string `xml:"BORROW_EXPIRE_TIME,attr,omitempty"`
	}
)

// lmxendutil prints what lmxendutil -licstatxml does, in the server's own zone.
func (s *Server) lmxendutil(t time.Time, args []string) (string, error) {
	status := lmxStatus{Version: "3.32", Path: lmxPath{Type: "NETWORK", Host: fmt.Sprintf("%d@%s", s.Port, s.Name), Status: "NETWORK_CONNECT_FAILURE"}}
	if !s.Down(t) {
		status.Path.Status, status.Path.Version, status.Path.Uptime = "SUCCESS", s.Version, lmxUptime(t.Sub(s.started(t)))
		for i := range s.Features {
			status.Path.Features = append(status.Path.Features, s.lmxFeature(&s.Features[i], t))
		}
	}
	text, err := xml.MarshalIndent(status, "", "  ")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("LM-X End-user Utility v%s\nCopyright (C) 2002-2023 X-Formation. All rights reserved.\n\n%s%s\n", s.Version, xml.Header, text), nil
}

func (s *Server) lmxFeature(f *Feature, t time.Time) lmxFeature {
	out := lmxFeature{
		Name: f.Name, Version: f.Version, Vendor: s.Daemon, Start: "NONE", End: f.expires("2006-01-02", "NONE"),
		Used: s.use(f, t), Total: f.purchase(t).Installed, Share: "CUSTOM ,VIRTUAL",
	}
	for _, d := range s.refusals(f, s.started(t), t) {
		out.Denied += d.Count
	}
	for _, c := range s.Checkouts(f, t) {
		u := lmxUser{Name: c.User, Host: c.Host, IP: fmt.Sprintf("10.20.%d.%d", c.Number/250, 1+c.Number%250), Used: c.Licenses}
		u.Checkout = c.Since.In(s.Zone).Format("2006-01-02 15:04")
		u.Login = u.Checkout
		if c.Kind == license.HolderBorrowed {
			u.Borrowed = c.Since.Add(borrowPeriod).In(s.Zone).Format("2006-01-02 15:04")
		}
		out.Users = append(out.Users, u)
	}
	return out
}

func lmxUptime(d time.Duration) string {
	return fmt.Sprintf("%d day(s) %d hour(s) %d min(s) %d sec(s)", d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60, d/time.Second%60)
}
