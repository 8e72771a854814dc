// Package look is the face that the hub's console and the agent's local
// console share: design tokens and styles, the shell of a page, icons, charts
// made on the server, and how numbers and times are written.
//
// What it makes works under [Policy]: no inline style, no inline script, no
// outside host. Everything that it writes into a page is escaped here or by
// html/template; names of license servers, features and people are hostile
// text and may be handed in as they are.
//
// A value that is not known is shown as such. Nothing here turns "unknown"
// into zero.
package look
