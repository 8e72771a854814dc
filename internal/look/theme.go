package look

import "net/http"

// Theme returns the colours that a browser asks for, "light" or "dark": by the
// address, which is for pictures of pages, or by the cookie that the switch of
// every page sets. Empty: those of its system.
func Theme(r *http.Request) string {
	t := r.URL.Query().Get("theme")
	if cookie, err := r.Cookie("headroom-theme"); t == "" && err == nil {
		t = cookie.Value
	}
	if t != "light" && t != "dark" {
		return ""
	}
	return t
}
