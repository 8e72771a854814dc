package look

import "html/template"

// A Tone is how much something matters. Each has a shape and a colour of its
// own, and always stands with a word.
type Tone string

// The tones.
const (
	Bad  Tone = "bad"  // act now: a triangle
	Warn Tone = "warn" // look at it: a diamond
	Good Tone = "good" // as it should be: a disc
	Info Tone = "info" // good to know: a square
	Mute Tone = "mute" // not known, or not yet: a ring
)

// shapes are drawn in a field of 12 by 12.
var shapes = map[Tone]template.HTML{
	Bad:  `<path d="M6 1.2 11.4 10.6H.6Z"/>`,
	Warn: `<path d="M6 .6 11.4 6 6 11.4.6 6Z"/>`,
	Good: `<circle cx="6" cy="6" r="4.6"/>`,
	Info: `<rect x="1.6" y="1.6" width="8.8" height="8.8" rx="1.6"/>`,
	Mute: `<circle class="ring" cx="6" cy="6" r="4"/>`,
}

// Shape draws the mark of a tone alone, for where the word stands elsewhere.
func Shape(t Tone) template.HTML {
	return `<svg class="shape ` + class(t) + `" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" focusable="false">` +
		shapes[known(t)] + `</svg>`
}

// Badge writes a word on the tone's ground, with its mark.
func Badge(t Tone, word string) template.HTML {
	return `<span class="badge ` + class(t) + `">` + Shape(t) + template.HTML(esc(word)) + `</span>`
}

// Status writes a word with the tone's mark and no ground, for tables.
func Status(t Tone, word string) template.HTML {
	return `<span class="status ` + class(t) + `">` + Shape(t) + template.HTML(esc(word)) + `</span>`
}

func class(t Tone) template.HTML { return template.HTML("tone-" + known(t)) }

// known returns t, or Mute for a tone that there is not.
func known(t Tone) Tone {
	if _, ok := shapes[t]; !ok {
		return Mute
	}
	return t
}
