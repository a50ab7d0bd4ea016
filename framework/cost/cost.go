package cost

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

//go:embed prices.yaml
var prices []byte

// Price of one unit for one hour.
type Price struct {
	Unit string `json:"unit"`
	// Price is a number, or Unknown.
	Price string `json:"price"`
	// Date (2006-01-02) is when it was read at Source.
	Date   string `json:"date"`
	Source string `json:"source"`
}

// Unknown is the price that nobody has read.
const Unknown = "unknown"

// Table is the data file.
type Table struct {
	Currency string           `json:"currency"`
	Prices   map[string]Price `json:"prices"`
}

// Prices reads the table of the project.
func Prices() (Table, error) { return Parse(prices) }

// Parse reads a table. A price without the day on which it was read is an error.
func Parse(raw []byte) (Table, error) {
	var t Table
	if err := yaml.UnmarshalStrict(raw, &t); err != nil {
		return t, fmt.Errorf("reading the price table: %w", err)
	}
	for name, p := range t.Prices {
		if p.Price == Unknown {
			continue
		}
		if value, err := strconv.ParseFloat(p.Price, 64); err != nil || value < 0 {
			return t, fmt.Errorf("reading the price table: the price of %s is %q; it is a number, or %s", name, p.Price, Unknown)
		}
		if _, err := time.Parse(time.DateOnly, p.Date); err != nil || p.Source == "" {
			return t, fmt.Errorf("reading the price table: the price of %s has no date (%q) or source (%q)", name, p.Date, p.Source)
		}
	}
	return t, nil
}

// Item is something that is charged for.
type Item struct {
	Name  string
	Units int
	Price Price
}

// Estimate is what a run is charged for.
type Estimate struct {
	Items    []Item
	Currency string
}

// Of a run with a configuration. What is on the mock costs nothing, and neither does
// what the user brought.
func Of(cfg *config.Config, t Table) (Estimate, error) {
	e := Estimate{Currency: t.Currency}
	if cfg.Cloud != config.CloudYandex {
		return e, nil
	}
	units := map[string]int{"secret": 1}
	if cfg.Cluster == config.ClusterManaged {
		clusters := 1
		if cfg.SecondCluster {
			clusters = 2
		}
		units["master"], units["address"] = clusters, clusters
		if cfg.Regional {
			units["master"]-- // the checks' own clusters are zonal
			e.Items = append(e.Items, Item{"regional master", 1, Price{Unit: "regional master", Price: Unknown, Source: t.Prices["master"].Source}})
		}
		units["cores"], units["memory"], units["disk"] = clusters*cfg.Node.Cores, clusters*cfg.Node.MemoryGiB, clusters*cfg.Node.DiskGiB
		if cfg.SubnetID == "" {
			units["gateway"] = 1
		}
	}
	for _, name := range []string{"master", "cores", "memory", "disk", "gateway", "address", "secret"} {
		if units[name] == 0 {
			continue
		}
		price, ok := t.Prices[name]
		if !ok {
			return e, fmt.Errorf("estimating the cost: the price table has no %s", name)
		}
		e.Items = append(e.Items, Item{name, units[name], price})
	}
	return e, nil
}

// Hour is what everything is for an hour; ok is false if a price is unknown, and then
// it is the sum of the others.
func (e Estimate) Hour() (sum float64, ok bool) {
	ok = true
	for _, i := range e.Items {
		price, err := strconv.ParseFloat(i.Price.Price, 64)
		if err != nil {
			ok = false
			continue
		}
		sum += float64(i.Units) * price
	}
	return sum, ok
}

// Within refuses an estimate over a limit for an hour, and one of which nobody knows
// whether it is. No limit is "".
func (e Estimate) Within(limit string) error {
	if limit == "" || len(e.Items) == 0 {
		return nil
	}
	most, err := strconv.ParseFloat(limit, 64)
	if err != nil || most < 0 {
		return fmt.Errorf("max_cost is %q; it is a number of %s an hour", limit, e.Currency)
	}
	sum, ok := e.Hour()
	switch {
	case sum > most:
		return fmt.Errorf("a run costs %.2f %s an hour, more than max_cost %s", sum, e.Currency, limit)
	case !ok:
		return errors.New("nobody knows whether a run costs more than max_cost " + limit + " " + e.Currency + " an hour: the price table (framework/cost/prices.yaml) does not know the price of " + strings.Join(e.unknown(), ", "))
	}
	return nil
}

func (e Estimate) unknown() []string {
	var out []string
	for _, i := range e.Items {
		if i.Price.Price == Unknown {
			out = append(out, i.Price.Unit)
		}
	}
	return out
}

// Write prints the estimate; nothing where nothing is charged for.
func (e Estimate) Write(w io.Writer) error {
	if len(e.Items) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "\nThe cloud charges for, in %s an hour:\n", e.Currency)
	for _, i := range e.Items {
		read := i.Price.Source
		if i.Price.Date != "" {
			read += ", read on " + i.Price.Date
		}
		fmt.Fprintf(table, "  %d\t%s\teach %s\t%s\n", i.Units, i.Price.Unit, i.Price.Price, read)
	}
	if sum, ok := e.Hour(); ok {
		fmt.Fprintf(table, "  together %.2f\n", sum)
	} else {
		fmt.Fprintf(table, "  together unknown: nobody has entered the prices yet\n")
	}
	return table.Flush()
}
