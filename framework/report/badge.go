package report

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"
)

// badge is a picture of two boxes in the style that readers know from other
// projects. Its words are in a title, too, which screen readers read.
var badge = template.Must(template.New("badge").Parse(`<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="20" role="img" aria-label="{{.Left}}: {{.Right}}">
  <title>{{.Left}}: {{.Right}}</title>
  <rect width="{{.Width}}" height="20" rx="3" fill="#3b4148"/>
  <rect x="{{.Split}}" width="{{.Rest}}" height="20" rx="3" fill="{{.Colour}}"/>
  <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    <text x="6" y="14">{{.Left}}</text>
    <text x="{{.At}}" y="14">{{.Right}}</text>
  </g>
</svg>
`))

// Badge renders the outcome as a small picture (SVG) for a README.
func Badge(r Report) ([]byte, error) {
	left := "WLIF " + r.Run.Profile
	right, colour := "not decided", "#6e40aa"
	switch {
	case r.Outcome.ExitCode == ExitFailed:
		right, colour = "not conformant", "#b31d28"
	case r.Outcome.ExitCode == ExitLeft:
		right, colour = "left something behind", "#b31d28"
	case r.Outcome.ExitCode == ExitConformant && len(r.Profiles) > 0 && r.Profiles[0].Conformant:
		right, colour = "conformant", "#1a7f37"
	case r.Outcome.ExitCode == ExitConformant:
		right, colour = "kept as far as asked", "#1a7f37"
	}
	if version := strings.Split(r.Target.KubernetesVersion, "."); len(version) > 1 {
		right += ", Kubernetes " + strings.Join(version[:2], ".")
	}
	// About 7 units a letter, at this size.
	width := func(text string) int { return 7*utf8.RuneCountInString(text) + 12 }
	var out bytes.Buffer
	err := badge.Execute(&out, map[string]any{
		"Left": left, "Right": right, "Colour": colour, "Split": width(left), "Rest": width(right), "At": width(left) + 6, "Width": width(left) + width(right),
	})
	if err != nil {
		return nil, fmt.Errorf("rendering the badge: %w", err)
	}
	return out.Bytes(), nil
}
