package flexnet

import (
	"strings"

	"headroom/internal/license"
)

// maxNameWords is how many words a user name is believed to have.
const maxNameWords = 8

// divideNames divides "USER HOST DISPLAY EXTRA", whose parts may hold blanks
// themselves, into u. It reports false where that takes a guess.
func divideNames(names string, u *Checkout) bool {
	if p := strings.Split(names, " "); len(p) == 3 {
		u.User, u.Host, u.Display = p[0], p[1], p[2]
		return p[1] != "" // two blanks: a host without a name
	}
	w := strings.Fields(names)
	switch len(w) {
	case 1:
		u.User = w[0]
		return false
	case 2:
		u.User, u.Host = w[0], w[1]
		return true
	}
	// A Windows display repeats the host.
	for i := 1; i+1 < len(w); i++ {
		if len(w[i+1]) >= len(w[i]) && strings.EqualFold(w[i+1][:len(w[i])], w[i]) {
			setNames(u, w, i)
			return true
		}
	}
	setNames(u, w, 1)
	return len(w) == 3
}

// setNames divides w so that the host is w[host].
func setNames(u *Checkout, w []string, host int) {
	u.User, u.Host = strings.Join(w[:host], " "), w[host]
	u.Display, u.Extra = "", ""
	if host+1 < len(w) {
		u.Display = w[host+1]
		u.Extra = strings.Join(w[host+2:], " ")
	}
}

// A nameBook holds the users and hosts of lines that leave no doubt.
type nameBook struct{ users, hosts map[string]bool }

func newNameBook(users, hosts []string) *nameBook {
	b := &nameBook{users: map[string]bool{}, hosts: map[string]bool{}}
	for _, u := range users {
		b.learn(u, "")
	}
	for _, h := range hosts {
		b.learn("", h)
	}
	return b
}

func (b *nameBook) learn(user, host string) {
	if user != "" {
		b.users[license.FoldName(user)] = true
	}
	if host != "" {
		b.hosts[license.FoldName(host)] = true
	}
}

// divide divides names by what the book knows, and reports whether it could:
// a known user before a known host is best, then the longest known user, then
// the first known host.
func (b *nameBook) divide(names string, u *Checkout) bool {
	w := strings.Fields(names)
	user, host := 0, 0
	for i := 1; i < min(len(w), maxNameWords); i++ {
		isUser := b.users[license.FoldName(strings.Join(w[:i], " "))]
		isHost := b.hosts[license.FoldName(w[i])]
		if isUser && isHost {
			setNames(u, w, i)
			return true
		}
		if isUser {
			user = i
		}
		if isHost && host == 0 {
			host = i
		}
	}
	switch {
	case user > 0:
		setNames(u, w, user)
	case host > 0:
		setNames(u, w, host)
	default:
		return false
	}
	return true
}
