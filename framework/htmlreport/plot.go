package htmlreport

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// plot shows every measurement of how long changes took to take effect, on a
// logarithmic axis, with the percentiles of the report.
type plot struct {
	Width, Height float64
	Ticks         []tick
	Rows          []plotRow
}

type plotRow struct {
	Y, TextY      float64
	What          string
	Dots          []float64
	P50, P95, Max float64
	Sum           report.Propagation
}

// Measures of the plot, in the units of its viewBox.
const (
	plotLabel = 330.0
	plotWidth = 1000.0
	plotRowH  = 22.0
)

// shortest and longest are the ends of the axis that is always there.
const (
	shortest = time.Millisecond
	longest  = time.Second
)

func (s *story) plot(sums []report.Propagation) *plot {
	if len(sums) == 0 {
		return nil
	}
	end := longest
	for _, what := range slices.Sorted(maps.Keys(s.measured)) {
		end = max(end, slices.Max(s.measured[what]))
	}
	for _, p := range sums {
		end = max(end, time.Duration(p.Max))
	}
	decades := math.Ceil(math.Log10(end.Seconds() / shortest.Seconds()))
	x := func(d time.Duration) float64 {
		at := math.Log10(max(d, shortest).Seconds()/shortest.Seconds()) / decades
		return plotLabel + at*(plotWidth-plotLabel-20)
	}
	p := &plot{Width: plotWidth}
	for i := range int(decades) + 1 {
		at := time.Duration(float64(shortest) * math.Pow10(i))
		p.Ticks = append(p.Ticks, tick{X: x(at), Text: at.String()})
	}
	y := headHeight
	for _, sum := range sums {
		row := plotRow{
			Y: y + plotRowH/2, TextY: y + plotRowH/2 + 4, What: sum.What, P50: x(time.Duration(sum.P50)), P95: x(time.Duration(sum.P95)),
			Max: x(time.Duration(sum.Max)), Sum: sum,
		}
		for _, d := range s.measured[sum.What] {
			row.Dots = append(row.Dots, x(d))
		}
		p.Rows = append(p.Rows, row)
		y += plotRowH
	}
	p.Height = y + 6
	return p
}
