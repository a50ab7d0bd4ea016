package htmlreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// Measures of the waterfall, in the units of its viewBox.
const (
	labelWidth = 190.0
	chartWidth = 1000.0
	rightPad   = 12.0
	rowHeight  = 16.0
	barHeight  = 11.0
	headHeight = 26.0
)

// waterfall is the whole run on one time axis.
type waterfall struct {
	Width, Height float64
	Ticks         []tick
	Lanes         []lane
	Bars          []bar
	// Path leads along the measured critical path, from one end to the next beginning.
	Path string
	// Summary says the same in a sentence.
	Summary string
}

type tick struct {
	X    float64
	Text string
}

// lane is a heading over bars.
type lane struct {
	Y, TextY float64
	Text     string
}

type bar struct {
	X, Y, Width, Height float64
	// Class names the colour, Label stands to the left, Title is the tooltip.
	Class, Label, Title string
	LabelY              float64
}

type drawing struct {
	waterfall
	from  time.Time
	scale float64
	y     float64
	ends  map[string]bar
}

// draw lays the run out. It is nil without any time.
func (s *story) draw() *waterfall {
	total := s.ended.Sub(s.started)
	if total <= 0 || len(s.nodes)+len(s.checks) == 0 {
		return nil
	}
	d := &drawing{from: s.started, scale: (chartWidth - labelWidth - rightPad) / total.Seconds(), y: headHeight, ends: map[string]bar{}}
	d.Width = chartWidth
	d.graph(s, "Provisioning", false)
	d.connect(s.chain())
	d.processes(s)
	d.cluster(s)
	d.graph(s, "Teardown", true)
	d.Height = d.y + 6
	d.ticks(total)
	d.Summary = fmt.Sprintf("The run took %s: %d nodes were provisioned, %d checks made by %d processes.",
		total.Round(100*time.Millisecond), len(s.planned.Nodes), len(s.checks), len(s.processes()))
	return &d.waterfall
}

func (d *drawing) x(at time.Time) float64 { return labelWidth + at.Sub(d.from).Seconds()*d.scale }

func (d *drawing) head(text string) {
	d.Lanes = append(d.Lanes, lane{Y: d.y, TextY: d.y + 14, Text: text})
	d.y += 20
}

func (d *drawing) bar(class, label, title string, from, to time.Time) bar {
	b := bar{
		X: d.x(from), Y: d.y, Width: max(to.Sub(from).Seconds()*d.scale, 1.5), Height: barHeight, Class: class, Label: label,
		LabelY: d.y + barHeight - 2, Title: title,
	}
	d.Bars = append(d.Bars, b)
	return b
}

// graph draws the nodes that were made, or those that were deleted.
func (d *drawing) graph(s *story, title string, deleted bool) {
	var nodes []*node
	for _, n := range s.nodes {
		if (n.phase == journal.Delete) == deleted {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		return
	}
	slices.SortStableFunc(nodes, func(a, b *node) int { return a.began.Compare(b.began) })
	d.head(title)
	chain := s.chain()
	for _, n := range nodes {
		class, note := "node", ""
		switch {
		case n.failed != "":
			class, note = "bad", ": "+n.failed
		case !deleted && slices.Contains(chain, n.name):
			class, note = "critical", ", on the critical path"
		}
		b := d.bar(class, tail(n.name), fmt.Sprintf("%s %s: %s%s", n.phase, n.name, n.ended.Sub(n.began).Round(time.Millisecond), note), n.began, n.ended)
		if !deleted {
			d.ends[n.name] = b
		}
		d.y += rowHeight
	}
	d.y += 6
}

// chain is the critical path as it was measured: the resource that was there last,
// the one of those before it that was there last, and so on.
func (s *story) chain() []string {
	ended := map[string]time.Time{}
	for _, n := range s.nodes {
		if n.phase != journal.Delete {
			ended[n.name] = n.ended
		}
	}
	last := func(names []string) string {
		found := ""
		for _, name := range names {
			if at, ok := ended[name]; ok && (found == "" || at.After(ended[found])) {
				found = name
			}
		}
		return found
	}
	after := map[string][]string{}
	var all []string
	for _, n := range s.planned.Nodes {
		after[n.Name] = n.After
		all = append(all, n.Name)
	}
	var path []string
	for name := last(all); name != "" && len(path) <= len(all); name = last(after[name]) {
		path = append(path, name)
	}
	slices.Reverse(path)
	return path
}

// tail is the end of a name that fits beside the bars.
func tail(name string) string {
	const room = 27
	if runes := []rune(name); len(runes) > room {
		return "…" + string(runes[len(runes)-room+1:])
	}
	return name
}

// connect joins the bars of the critical path.
func (d *drawing) connect(path []string) {
	var out strings.Builder
	for i := 1; i < len(path); i++ {
		from, ok := d.ends[path[i-1]]
		to, too := d.ends[path[i]]
		if ok && too {
			fmt.Fprintf(&out, "M%.1f %.1fV%.1fH%.1f", from.X+from.Width, from.Y+barHeight/2, to.Y+barHeight/2, to.X)
		}
	}
	d.Path = out.String()
}

func (s *story) processes() []string {
	var out []string
	for _, c := range s.checks {
		if !slices.Contains(out, c.process) {
			out = append(out, c.process)
		}
	}
	slices.Sort(out)
	return out
}

// processes draws one row for each process's checks, which follow each other. What
// a process decided meanwhile stands in a second row.
func (d *drawing) processes(s *story) {
	if len(s.checks) == 0 {
		return
	}
	d.head("Checks by process")
	for _, process := range s.processes() {
		rows := [][]*check{nil}
		for _, c := range s.byStart(process) {
			i := slices.IndexFunc(rows, func(row []*check) bool {
				return len(row) == 0 || !row[len(row)-1].ended.After(c.began.Add(2*time.Millisecond))
			})
			if i < 0 {
				rows, i = append(rows, nil), len(rows)
			}
			rows[i] = append(rows[i], c)
		}
		for i, row := range rows {
			label := process
			if i > 0 {
				label = ""
			}
			for _, c := range row {
				d.bar("v-"+verdictClass(c.verdict), label, fmt.Sprintf("%s %s [%s]: %s", cmp.Or(string(c.verdict), "no verdict"), c.requirement, c.name,
					c.ended.Sub(c.began).Round(time.Millisecond)), c.began, c.ended)
				label = ""
			}
			d.y += rowHeight
		}
	}
	d.y += 6
}

// cluster marks what the cluster said of the run: the warnings in a row of their own.
func (d *drawing) cluster(s *story) {
	if len(s.happened) == 0 {
		return
	}
	d.head("Events of the cluster")
	for _, row := range []struct {
		warning      bool
		class, label string
	}{{false, "node", "events"}, {true, "bad", "warnings"}} {
		label := row.label
		for _, h := range s.happened {
			if h.Warning == row.warning && !h.At.Before(d.from.Truncate(time.Second)) {
				at := h.At
				if at.Before(d.from) {
					at = d.from // it has no fractions of a second
				}
				d.bar(row.class, label, fmt.Sprintf("%s %s: %s: %s", h.Of, h.Name, h.Reason, h.Text), at, at)
				label = ""
			}
		}
		if label == "" {
			d.y += rowHeight
		}
	}
	d.y += 6
}

func (s *story) byStart(process string) []*check {
	var out []*check
	for _, c := range s.checks {
		if c.process == process {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b *check) int { return a.began.Compare(b.began) })
	return out
}

// ticks marks about eight times.
func (d *drawing) ticks(total time.Duration) {
	every := time.Second
	for _, candidate := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
		5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour,
	} {
		every = candidate
		if total/candidate <= 8 {
			break
		}
	}
	for at := time.Duration(0); at <= total; at += every {
		d.Ticks = append(d.Ticks, tick{X: labelWidth + at.Seconds()*d.scale, Text: clock(at)})
	}
}

// clock is minutes and seconds.
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
