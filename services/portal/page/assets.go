package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"time"
)

// htmx.min.js and htmx-sse.min.js are htmx 2.0.11 and its extension for server-sent
// events 2.2.4, as npm has them (https://htmx.org, 0BSD).
//
//go:embed assets
var assets embed.FS

// Asset serves what pages need: style, scripts, pictures. Browsers keep it, and ask each
// time whether it is another one.
func (k *Kit) Asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, err := assets.ReadFile("assets/" + name)
	if err != nil {
		k.Tell(w, r, NotFound)
		return
	}
	sum := sha256.Sum256(content)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// icons are pictures of 24 by 24, drawn in lines.
var icons = map[string]string{
	"plus":     `<path d="M12 5v14M5 12h14"/>`,
	"pencil":   `<path d="M4 20h4L19 9a2.8 2.8 0 0 0-4-4L4 16v4M13.5 6.5l4 4"/>`,
	"bin":      `<path d="M4 7h16M10 11v6M14 11v6M6 7l1 13h10l1-13M9 7V4h6v3"/>`,
	"pause":    `<path d="M8 5v14M16 5v14"/>`,
	"play":     `<path d="M7 4.5v15l12-7.5z"/>`,
	"retry":    `<path d="M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6"/>`,
	"search":   `<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>`,
	"copy":     `<rect x="9" y="9" width="11" height="11" rx="2"/><path d="M5 15H4V4h11v1"/>`,
	"check":    `<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
	"cross":    `<path d="m6 6 12 12M18 6 6 18"/>`,
	"warning":  `<path d="M12 4 2.8 20h18.4L12 4M12 10v4.5M12 17.4v.1"/>`,
	"key":      `<circle cx="8" cy="15" r="4"/><path d="m11 12 9-9M16 7l3 3"/>`,
	"link":     `<path d="M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700l-1.500 1.500M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700l1.500-1.500"/>`,
	"send":     `<path d="M21 3 10 14M21 3l-7 18-4-7-7-4 18-7"/>`,
	"down":     `<path d="m6 9 6 6 6-6"/>`,
	"right":    `<path d="m9 6 6 6-6 6"/>`,
	"out":      `<path d="M14 4h6v6M20 4 10 14M18 14v6H4V6h6"/>`,
	"menu":     `<path d="M4 6h16M4 12h16M4 18h16"/>`,
	"bell":     `<path d="M6 17V11a6 6 0 0 1 12 0v6l1.500 2h-15L6 17M10 21h4"/>`,
	"webhooks": `<circle cx="6" cy="17" r="3"/><circle cx="18" cy="17" r="3"/><circle cx="12" cy="6" r="3"/><path d="m10.600 8.700-3.500 6M13.400 8.700l3.300 5.600M9 17h6"/>`,
	"log":      `<path d="M8 6h12M8 12h12M8 18h12M4 6h.1M4 12h.1M4 18h.1"/>`,
	"usage":    `<path d="M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6"/>`,
	"shield":   `<path d="M12 3 4.500 6v6c0 4.500 3 7.500 7.500 9 4.500-1.500 7.500-4.500 7.500-9V6L12 3"/>`,
	"settings": `<path d="M4 7h10M18 7h2M4 17h2M10 17h10"/><circle cx="16" cy="7" r="2.200"/><circle cx="8" cy="17" r="2.200"/>`,
	"audit":    `<path d="M6 3h9l4 4v14H6V3M9 12h6M9 16h6M9 8h2"/>`,
	"sun":      `<circle cx="12" cy="12" r="4"/><path d="M12 3v1.500M12 19.500V21M3 12h1.500M19.500 12H21M5.600 5.600l1.100 1.100M17.300 17.300l1.100 1.100M18.400 5.600l-1.100 1.100M6.700 17.300l-1.100 1.100"/>`,
	"moon":     `<path d="M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500"/>`,
	"device":   `<rect x="3" y="5" width="18" height="12" rx="1.500"/><path d="M9 21h6M12 17v4"/>`,
}

// icon is a picture that screen readers pass over: a text says what it means.
func icon(name string) (template.HTML, error) {
	lines, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("no icon %q", name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">` + lines + `</svg>`), nil //nolint:gosec // of the map above
}
