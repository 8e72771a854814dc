package agent

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"time"

	"headroom/internal/agent/collect"
)

// scriptFolder is where scripts lie while they run: below the state folder,
// which only the agent's account may write to.
const scriptFolder = "scripts"

// citrix makes the reader of a Citrix License Server.
func (a *Agent) citrix(c ServerConfig, zone *time.Location, resume string) (Reader, error) {
	scripts := filepath.Join(a.config.State, scriptFolder)
	// What an agent left there that was killed is of no use. No reader runs yet.
	if err := errors.Join(os.RemoveAll(scripts), os.MkdirAll(scripts, 0o700)); err != nil {
		return nil, err
	}
	host := cmp.Or(c.Host, c.Citrix.adminHost(), a.options.Host)
	if host == "" {
		var err error
		if host, err = os.Hostname(); err != nil {
			return nil, err
		}
	}
	return &collect.Citrix{
		PowerShell: c.Citrix.PowerShell, AdminAddress: c.Citrix.AdminAddress, CertHash: c.Citrix.CertHash,
		Udadmin: c.Citrix.Udadmin, Licenses: c.Citrix.LicenseFolder, LASTwice: c.Citrix.LASTwice,
		Host: host, Temp: scripts, Resume: resume, Zone: zone, CodePage: c.CodePage, Timeout: time.Duration(c.Timeout), Now: a.options.Now,
	}, nil
}
