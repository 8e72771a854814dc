package route

import (
	"fmt"
	"net/url"
	"unsafe"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/sys/windows"
)

var (
	winhttp        = windows.NewLazySystemDLL("winhttp.dll")
	winOpen        = winhttp.NewProc("WinHttpOpen")
	winClose       = winhttp.NewProc("WinHttpCloseHandle")
	winDefault     = winhttp.NewProc("WinHttpGetDefaultProxyConfiguration")
	winCurrentUser = winhttp.NewProc("WinHttpGetIEProxyConfigForCurrentUser")
	winForURL      = winhttp.NewProc("WinHttpGetProxyForUrl")
	globalFree     = windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalFree")
)

// Values of winhttp.h.
const (
	accessNoProxy    = 1
	accessNamedProxy = 3
	autoDetect       = 1
	autoConfigURL    = 2
	detectDHCP       = 1
	detectDNS        = 2
)

type winProxyInfo struct {
	access        uint32
	proxy, bypass *uint16
}

type winUserConfig struct {
	autoDetect               int32
	configURL, proxy, bypass *uint16
}

type winAutoOptions struct {
	flags, detect uint32
	configURL     *uint16
	reserved      uintptr
	reserved2     uint32
	autoLogon     int32
}

// systemProxy is what the environment says, if it says anything; else what
// Windows is set to for the account that the agent runs under (a script by its
// address or found in the network, or a fixed proxy), else for the machine
// (netsh winhttp).
func systemProxy() func(*url.URL) (*url.URL, error) {
	if c := httpproxy.FromEnvironment(); c.HTTPProxy != "" || c.HTTPSProxy != "" {
		return c.ProxyFunc()
	}
	return windowsProxy
}

func windowsProxy(target *url.URL) (*url.URL, error) {
	var user winUserConfig
	if ok, _, _ := winCurrentUser.Call(uintptr(unsafe.Pointer(&user))); ok != 0 {
		configURL, proxy, bypass := take(user.configURL), take(user.proxy), take(user.bypass)
		if user.autoDetect != 0 || configURL != "" {
			found, err := byScript(target, configURL)
			if err == nil || proxy == "" && configURL != "" {
				return found, err
			}
		}
		if proxy != "" {
			return fromList(proxy, bypass, target)
		}
	}
	var machine winProxyInfo
	if ok, _, _ := winDefault.Call(uintptr(unsafe.Pointer(&machine))); ok == 0 {
		return nil, nil
	}
	proxy, bypass := take(machine.proxy), take(machine.bypass)
	if machine.access != accessNamedProxy {
		return nil, nil
	}
	return fromList(proxy, bypass, target)
}

// byScript has Windows run the script that chooses the proxy.
func byScript(target *url.URL, configURL string) (*url.URL, error) {
	agent, err := windows.UTF16PtrFromString("headroom-agent")
	if err != nil {
		return nil, err
	}
	session, _, err := winOpen.Call(uintptr(unsafe.Pointer(agent)), accessNoProxy, 0, 0, 0)
	if session == 0 {
		return nil, fmt.Errorf("WinHttpOpen: %w", err)
	}
	defer func() { _, _, _ = winClose.Call(session) }()
	address, err := windows.UTF16PtrFromString(target.Scheme + "://" + target.Host + "/")
	if err != nil {
		return nil, err
	}
	options := winAutoOptions{flags: autoDetect, detect: detectDHCP | detectDNS, autoLogon: 1}
	if configURL != "" {
		options = winAutoOptions{flags: autoConfigURL, autoLogon: 1}
		if options.configURL, err = windows.UTF16PtrFromString(configURL); err != nil {
			return nil, err
		}
	}
	var info winProxyInfo
	ok, _, err := winForURL.Call(session, uintptr(unsafe.Pointer(address)), uintptr(unsafe.Pointer(&options)), uintptr(unsafe.Pointer(&info)))
	if ok == 0 {
		return nil, fmt.Errorf("the proxy script %s: %w", configURL, err)
	}
	proxy, bypass := take(info.proxy), take(info.bypass)
	if info.access != accessNamedProxy {
		return nil, nil
	}
	return fromList(proxy, bypass, target)
}

func fromList(proxy, bypass string, target *url.URL) (*url.URL, error) {
	if bypassed(bypass, target) {
		return nil, nil
	}
	return proxyOfList(proxy, target)
}

// take reads a text that Windows allocated and frees it.
func take(text *uint16) string {
	if text == nil {
		return ""
	}
	defer func() { _, _, _ = globalFree.Call(uintptr(unsafe.Pointer(text))) }()
	return windows.UTF16PtrToString(text)
}
