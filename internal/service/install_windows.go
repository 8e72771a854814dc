package service

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/mgr"
)

// windowsAccount is the account that Windows makes for the service: it has no
// password, no rights but its own, and goes with the service.
const windowsAccount = `NT SERVICE\` + Name

// Where says where the service stands.
func Where() string { return "the service " + Name }

// config is what the service control manager is told.
func (s Settings) config() (service.Config, error) {
	if err := plain(s); err != nil {
		return service.Config{}, err
	}
	if len(s.Groups) > 0 {
		return service.Config{}, errors.New("a service of Windows has no further groups: give its account the rights on the files")
	}
	if strings.EqualFold(s.User, "LocalSystem") || strings.EqualFold(s.User, `NT AUTHORITY\SYSTEM`) {
		return service.Config{}, errors.New(`the agent needs no rights of the system: name another account, such as NT AUTHORITY\LocalService, or leave --user out`)
	}
	account := s.User
	if account == "" {
		account = windowsAccount
	}
	return service.Config{
		DisplayName: "Headroom agent", Description: "Reads license servers and uploads their usage.",
		Executable: s.Program, Arguments: []string{"agent", "run", "--config", s.Config}, UserName: account,
		Option: service.KeyValue{
			"DelayedAutoStart":             true,
			service.OnFailure:              service.OnFailureRestart,
			service.OnFailureDelayDuration: "30s",
			service.OnFailureResetPeriod:   86400,
		},
	}, nil
}

// Text returns what Install would tell the service control manager.
func Text(s Settings) (string, error) {
	c, err := s.config()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("service   %s\nprogram   %s\narguments %s\naccount   %s\nstarts    with the machine, after the others; 30 seconds after a failure\nfolder    %s, for %s, administrators and the system: %s\n",
		Name, c.Executable, windows.ComposeCommandLine(c.Arguments), c.UserName, s.State, c.UserName, folderRights(serviceSID(Name))), nil
}

// Install tells the service control manager, and makes the state folder for the
// service alone. force is not needed here: one that is there is never replaced.
func Install(s Settings, _ bool) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	svc, err := open(c)
	if err != nil {
		return err
	}
	if err := svc.Install(); err != nil {
		return err
	}
	if err := s.complete(); err != nil {
		return errors.Join(err, svc.Uninstall())
	}
	return nil
}

// complete does what the library does not: the service's own identity, its
// restart after an ending that was no crash, and its folder.
func (s Settings) complete() (err error) {
	m, err := mgr.Connect()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Disconnect()) }()
	one, err := m.OpenService(Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, one.Close()) }()
	c, err := one.Config()
	if err != nil {
		return err
	}
	c.SidType = windows.SERVICE_SID_TYPE_UNRESTRICTED
	if err := one.UpdateConfig(c); err != nil {
		return fmt.Errorf("give the service an identity: %w", err)
	}
	if err := one.SetRecoveryActionsOnNonCrashFailures(true); err != nil {
		return fmt.Errorf("have it started after a failure: %w", err)
	}
	return makeFolder(s.State)
}

// folderRights lets the service, administrators and the system into a folder
// and what is in it, and nobody else.
func folderRights(sid string) string {
	return "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;" + sid + ")"
}

// makeFolder makes the state folder, or takes one that is there, and lets in
// the service, administrators and the system.
func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	sd, err := windows.SecurityDescriptorFromString(folderRights(serviceSID(Name)))
	if err != nil {
		return fmt.Errorf("rights on %s: %w", path, err)
	}
	rights, _, err := sd.DACL()
	if err != nil {
		return fmt.Errorf("rights on %s: %w", path, err)
	}
	err = windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, rights, nil)
	if err != nil {
		return fmt.Errorf("rights on %s: %w", path, err)
	}
	return nil
}

// Uninstall stops the agent and removes the service. What it has kept stays.
func Uninstall(bool) error {
	svc, err := open(service.Config{})
	if err != nil {
		return err
	}
	if err := svc.Stop(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
		return err
	}
	return svc.Uninstall()
}

// mayChange refuses who may not change services.
func mayChange() error {
	if !windows.GetCurrentProcessToken().IsElevated() {
		return errors.New("this takes an administrator: run it again in a console that was opened as administrator; service install --print shows what would be done, and needs no rights")
	}
	return nil
}
