package look

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
)

//go:embed thirdparty/lucide/*.svg
var lucide embed.FS

// Icon refers to a symbol of the sprite. It is decoration: what it means must
// stand beside it in words, or in the label of what it is in.
func (a *Assets) Icon(name string) (template.HTML, error) {
	if !a.icons[name] {
		return "", fmt.Errorf("no icon %q: copy it to look/thirdparty/lucide", name)
	}
	return template.HTML(`<svg class="icon" width="16" height="16" aria-hidden="true" focusable="false"><use href="` +
		a.URL("icons.svg") + `#` + name + `"/></svg>`), nil
}

// sprite joins the icon files into one file of symbols.
func sprite() (file []byte, names map[string]bool, err error) {
	files, err := fs.Glob(lucide, "thirdparty/lucide/*.svg")
	if err != nil {
		return nil, nil, err
	}
	var b strings.Builder
	names = map[string]bool{}
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg">` + "\n")
	for _, f := range files {
		text, err := lucide.ReadFile(f)
		if err != nil {
			return nil, nil, err
		}
		shapes, err := inner(string(text))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f, err)
		}
		name := strings.TrimSuffix(path.Base(f), ".svg")
		names[name] = true
		fmt.Fprintf(&b, `<symbol id="%s" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" `+
			`stroke-linecap="round" stroke-linejoin="round">%s</symbol>`+"\n", name, shapes)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String()), names, nil
}

// inner returns what stands within the svg element.
func inner(svg string) (string, error) {
	_, rest, ok := strings.Cut(svg, "<svg")
	if !ok {
		return "", fmt.Errorf("no svg element")
	}
	_, rest, _ = strings.Cut(rest, ">")
	shapes, _, ok := strings.Cut(rest, "</svg>")
	if !ok {
		return "", fmt.Errorf("svg element without an end")
	}
	return strings.Join(strings.Fields(shapes), " "), nil
}
