package look

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed css/*.css js/*.js mark.svg
var own embed.FS

// AssetPath is where [Assets] serves: the prefix of every address that it
// makes.
const AssetPath = "/static/"

// Assets are the files that pages load: one style sheet, one script, the icon
// sprite, the product's mark. The address of a file holds a hash of all of
// them, so that browsers may keep it forever and never show an old one.
type Assets struct {
	version string
	files   map[string][]byte
	icons   map[string]bool
}

// NewAssets puts the files together. The styles of more, if any, are appended
// to the sheet's last layer: what a console adds for its own pages.
func NewAssets(more ...[]byte) (*Assets, error) {
	css, err := sheet(more)
	if err != nil {
		return nil, err
	}
	js, err := own.ReadFile("js/look.js")
	if err != nil {
		return nil, err
	}
	mark, err := own.ReadFile("mark.svg")
	if err != nil {
		return nil, err
	}
	icons, names, err := sprite()
	if err != nil {
		return nil, err
	}
	a := &Assets{icons: names, files: map[string][]byte{
		"look.css": css, "look.js": js, "icons.svg": icons, "mark.svg": mark,
	}}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		h.Write(a.files[name])
	}
	a.version = hex.EncodeToString(h.Sum(nil))[:12]
	return a, nil
}

// sheet joins the styles in the order of their names; the first of them
// declares the order of the layers.
func sheet(more [][]byte) ([]byte, error) {
	names, err := fs.Glob(own, "css/*.css")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, name := range names {
		text, err := own.ReadFile(name)
		if err != nil {
			return nil, err
		}
		b.Write(text)
	}
	for _, text := range more {
		b.WriteString("@layer pages {\n")
		b.Write(text)
		b.WriteString("}\n")
	}
	return b.Bytes(), nil
}

// URL returns the address of a file: "look.css", "look.js", "icons.svg" or
// "mark.svg".
func (a *Assets) URL(name string) string { return AssetPath + a.version + "/" + name }

// ServeHTTP serves the files below [AssetPath]. An address of another version
// gets the file of this one, and is not kept.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	version, name := path.Split(strings.TrimPrefix(r.URL.Path, AssetPath))
	file, ok := a.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if strings.TrimSuffix(version, "/") == a.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file))
}
