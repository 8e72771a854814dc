package agent

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"headroom/internal/agent/collect"
)

// A CitrixConfig says how a Citrix License Server is read.
type CitrixConfig struct {
	PowerShell    string `toml:"powershell"`         // absolute path; default: Windows PowerShell of this machine
	AdminAddress  string `toml:"admin_address"`      // https://host:8083 of a license server that is not this machine
	CertHash      string `toml:"cert_hash"`          // of the certificate that it must show; needed with admin_address
	Udadmin       string `toml:"udadmin"`            // absolute path; default: not asked
	LicenseFolder string `toml:"license_folder"`     // MyFiles; default: not read
	LASTwice      bool   `toml:"las_reported_twice"` // the License Activation Service reports twice what was bought
}

// citrixInterval is the default, and the least without allow_fast: the license
// server makes its tables anew every 15 minutes, and Citrix warns against
// asking it more often.
const citrixInterval = 15 * time.Minute

// checkCitrix fills in the defaults of a Citrix License Server and says what is
// wrong. Its interval is checked before those of all readers.
func (s *ServerConfig) checkCitrix(base string) error {
	c := &s.Citrix
	if d := time.Duration(s.Interval); d < citrixInterval && !s.AllowFast {
		return fmt.Errorf("interval is %s: a Citrix License Server is not asked more often than every %s, which costs it performance; allow_fast = true allows it all the same", d, citrixInterval)
	}
	if c.PowerShell == "" {
		c.PowerShell = collect.DefaultPowerShell()
	}
	if !filepath.IsAbs(c.PowerShell) {
		return fmt.Errorf(`powershell is %q: name it with its whole path, such as C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, c.PowerShell)
	}
	if c.Udadmin != "" && !filepath.IsAbs(c.Udadmin) {
		return fmt.Errorf(`udadmin is %q: name it with its whole path, such as C:\Program Files (x86)\Citrix\Licensing\LS\udadmin.exe`, c.Udadmin)
	}
	c.LicenseFolder = within(base, c.LicenseFolder)
	return c.checkAddress()
}

// checkAddress checks how a license server elsewhere is reached. Both values
// become arguments of a tool.
func (c *CitrixConfig) checkAddress() error {
	if hash, err := hex.DecodeString(strings.ReplaceAll(c.CertHash, ":", "")); err != nil || c.CertHash != "" && len(hash) < 20 {
		return fmt.Errorf("cert_hash is %q: write the hexadecimal hash that Get-LicCertificate prints", c.CertHash)
	}
	if c.AdminAddress == "" {
		return nil
	}
	u, err := url.Parse(c.AdminAddress)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("admin_address is %q: write the address of its Web Services for Licensing, such as https://lic01.example.com:8083", c.AdminAddress)
	}
	if c.CertHash == "" {
		return errors.New("cert_hash is missing: a license server on another machine must show a certificate that is known; Get-LicCertificate prints its hash")
	}
	if c.Udadmin != "" {
		return errors.New("udadmin is set beside admin_address: it lists the users of this machine's license server only; leave it out")
	}
	return nil
}

// adminHost is the host that an admin address names.
func (c *CitrixConfig) adminHost() string {
	u, err := url.Parse(c.AdminAddress)
	if err != nil {
		return "" // it was checked
	}
	return u.Hostname()
}
